/** The second step of a gated process stands here until the gate opens. */
export interface Gate {
  /** Reports that the second step of this process has begun. Resolves once the gate is open. */
  enter(input: number): Promise<void>
}

const entered = new Set<number>()
let open: () => void = () => undefined
const opened = new Promise<void>((resolve) => {
  open = resolve
})
let wanted = Number.POSITIVE_INFINITY
let onAll: (at: number) => void = () => undefined

export const gate: Gate = {
  enter(input) {
    entered.add(input)
    if (entered.size === wanted) onAll(Date.now())
    return opened
  },
}

/** Resolves with the wall-clock time at which so many processes were in their second step. */
export function allEntered(processes: number): Promise<number> {
  return new Promise((resolve) => {
    wanted = processes
    onAll = resolve
    if (entered.size >= processes) resolve(Date.now())
  })
}

export function openGate(): void {
  open()
}
