import { ProcessUnsuccessful } from '../../shared/errors.ts'
import { exitCodeText } from './commands.ts'
import type { Finished } from './state-data.ts'

/** Reports that a process finished without success, and why. */
export function unsuccessfulError(
  pid: string,
  className: string,
  { exitCode, message, missing }: Partial<Pick<Finished, 'exitCode' | 'message' | 'missing'>>,
): ProcessUnsuccessful {
  const why = exitCode === undefined ? message : exitCodeText(exitCode)
  return new ProcessUnsuccessful(
    pid,
    `the process ${pid} (${className}) finished without success${why === undefined ? '' : `: ${why}`}`,
    exitCode,
    missing ?? [],
  )
}
