import { exitCodeText, type ExitCodeInfo } from './commands.ts'

/* How messages say how a process ended. */

/** What to do so that a process may start although one that it needs fails. */
export const ALLOW_FAILURE = '. Give it with allowFailure(handle) to have its outcome instead'

/** `said` is what the process threw. */
export function exceptedText(pid: string, className: string, said: string): string {
  return `the process ${pid} (${className}) excepted with ${said}`
}

export function unsuccessfulText(pid: string, className: string, why: string | null): string {
  return `the process ${pid} (${className}) finished without success${why === null ? '' : `: ${why}`}`
}

/** How the row of a process says that it ended. */
interface EndOfRow {
  readonly state: string
  readonly successful: boolean | null
  readonly exitCode: ExitCodeInfo | null
  readonly message: string | null
}

/** Why a process did not succeed, as far as that is known. */
export function reasonOf({ exitCode, message }: Pick<EndOfRow, 'exitCode' | 'message'>): string | null {
  return exitCode === null ? message : exitCodeText(exitCode)
}

/** How a process ended that another one needed to end otherwise. */
export function endingText(end: EndOfRow): string {
  if (end.successful === true) return 'which was to fail, and finished successfully'
  const { state } = end
  const why = reasonOf(end)
  const how = state === 'finished' ? 'finished without success' : state === 'killed' ? 'was killed' : 'failed'
  return `which ${how}${why === null ? '' : `: ${why}`}`
}

/** The same for a process that failed because of the one that is named here; `said`: how that one did. */
export function becauseText(pid: string, said: string | undefined): string {
  return `which failed because of the process ${pid}${said === undefined ? '' : `: ${said}`}`
}

/** Why a process can't start any more whose `after` has a time-out; `pending` are those that it still waited for. */
export function lateText(pid: string, pending: readonly string[]): string {
  return `process ${pid} was to start after ${namedText(pending)}, and the time-out of \`after\` has passed; what it waited for continues`
}

export function namedText(pids: readonly string[]): string {
  const [first = ''] = pids
  return pids.length === 1 ? `the process ${first}` : `${pids.length} processes, such as ${first}`
}
