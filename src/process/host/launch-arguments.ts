import { SpecError } from '../../shared/errors.ts'
import { LAST_DATE, milliseconds } from '../../shared/duration.ts'
import { checkOptions, isAbortSignal, isDuration, isFlag, type OptionNames } from '../../shared/options.ts'
import { checkName } from '../../shared/text.ts'
import type { LaunchOptions } from './launch-options.ts'
import { isRetention } from './retention.ts'

/** Ten thousand years in milliseconds: the margin for what is added to a clock. */
const MARGIN = 3.2e14

/** The options of a launch, with the checks of their values. */
export const LAUNCH_OPTIONS: OptionNames<LaunchOptions> = {
  pid: true,
  key: true,
  label: true,
  worker: true,
  signal: isAbortSignal,
  delay: isDuration,
  deadline: true,
  retry: true,
  abandon: isFlag,
  after: true,
  retention: isRetention,
}

/**
 * Checks the arguments of a launch before anything is done. Retries are checked where they are
 * used.
 *
 * @throws SpecError for anything but a class or the name of a class
 * @throws TypeError for an unknown option, or one of another type
 * @throws RangeError for an invalid delay or deadline, or for a name that is too long
 */
export function checkLaunch(processClass: unknown, options: LaunchOptions, where = 'launch'): void {
  if (typeof processClass === 'string') checkName(`${where}: the name of a process class`, processClass)
  else if (typeof processClass !== 'function') {
    throw new SpecError(
      `${where} takes a process class or its registered name, not ${String(processClass)}` +
        (processClass === undefined ? ': is the class exported, and imported without a cycle?' : ''),
    )
  }
  checkOptions(options, LAUNCH_OPTIONS, where)
  const { pid, key, label, worker, delay, deadline } = options
  if (pid !== undefined) checkName(`${where}: the pid`, pid)
  if (key !== undefined) checkName(`${where}: the key`, key)
  if (label !== undefined) checkName(`${where}: the label`, label, { empty: true })
  if (worker !== undefined) checkName(`${where}: worker, the label of an engine`, worker)
  if (delay !== undefined && !isBeforeLastDate(milliseconds(delay)))
    throw new RangeError(
      `${where}: the delay ${delay} ends after the last date there is: the process would never run`,
    )
  if (
    typeof deadline === 'number' &&
    deadline !== Number.POSITIVE_INFINITY &&
    !isBeforeLastDate(milliseconds(deadline))
  )
    throw new RangeError(
      `${where}: the deadline ${deadline} is after the last date there is: leave it out for none`,
    )
}

/**
 * Whether a Date can hold the time this many milliseconds from now, whatever the time is now.
 */
function isBeforeLastDate(length: number): boolean {
  return length < LAST_DATE - MARGIN
}
