export interface HistoryEntry {
  /**
   * `created running waiting finished excepted killed paused played`, `pause requested`, `kill requested`, `resumed`,
   * `crashed`, `recovered`, `released`, `parked`, `retried`, `signalled`, `joined` (what it waits for has ended), `adopted` (a restart took it over); of a step: `failed` (it will be
   * tried again), `effect`, `sleeping`, `received`, `checkpoint`.
   */
  readonly name: string
  /** JSON text. */
  readonly data: string | null
}
