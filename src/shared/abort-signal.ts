/**
 * The `AbortSignal` of the program, whether the DOM or Node declares it. A program that has the
 * types of neither sees the members that are used here.
 */
export type AbortSignal = typeof globalThis extends {
  readonly AbortSignal: { readonly prototype: infer Declared }
}
  ? Declared
  : MinimalAbortSignal

interface MinimalAbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
