import { exitCodeText, type ExitCodeInfo } from './commands.ts'

/* The texts in messages about how a process ended. */

/** Advice for letting a process start although an upstream process fails. */
export const ALLOW_FAILURE = '. Give it with allowFailure(handle) to have its outcome instead'

/** `said` is what the process threw. */
export function exceptedText(pid: string, className: string, said: string): string {
  return `the process ${pid} (${className}) excepted with ${said}`
}

export function unsuccessfulText(pid: string, className: string, why: string | null): string {
  return `the process ${pid} (${className}) finished without success${why === null ? '' : `: ${why}`}`
}

/** The columns of a row that show how its process ended. */
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

/** How an upstream process ended, if its end did not meet the need. */
export function endingText(end: EndOfRow): string {
  if (end.successful === true) return 'which was to fail, and finished successfully'
  const { state } = end
  const why = reasonOf(end)
  const how = state === 'finished' ? 'finished without success' : state === 'killed' ? 'was killed' : 'failed'
  return `which ${how}${why === null ? '' : `: ${why}`}`
}

/** The same for a process that failed because of the process `pid`; `said`: how that one failed. */
export function becauseText(pid: string, said: string | undefined): string {
  return `which failed because of the process ${pid}${said === undefined ? '' : `: ${said}`}`
}

/**
 * Why a process can no longer start after the timeout of its `after`; `pending` are the processes
 * that it still waited for.
 */
export function lateText(pid: string, pending: readonly string[]): string {
  return `process ${pid} was to start after ${namedText(pending)}, and the timeout of \`after\` has passed; what it waited for continues`
}

export function namedText(pids: readonly string[]): string {
  const [first = ''] = pids
  return pids.length === 1 ? `the process ${first}` : `${pids.length} processes, such as ${first}`
}
