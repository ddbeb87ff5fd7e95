import { ProcessUnsuccessful } from '../../shared/errors.ts'
import { reasonOf, unsuccessfulText } from './ending-texts.ts'
import type { Finished } from './state-data.ts'

/** Reports that a process finished without success, and why. */
export function unsuccessfulError(
  pid: string,
  className: string,
  { exitCode, message, missing = [] }: Partial<Pick<Finished, 'exitCode' | 'message' | 'missing'>>,
): ProcessUnsuccessful {
  const why = reasonOf({ exitCode: exitCode ?? null, message: message ?? null })
  return new ProcessUnsuccessful(pid, unsuccessfulText(pid, className, why), exitCode, missing)
}
