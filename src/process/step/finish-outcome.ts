import { valueAt } from '../../ports/plain.ts'
import { PortValidationError, type PortProblem } from '../../shared/errors.ts'
import type { AnySpec } from '../../spec/process-spec.ts'
import type { StateData } from '../state/state-data.ts'

/**
 * Decides how a process that would finish successfully ends. Without all required outputs it
 * finishes unsuccessfully. A result that does not fit `spec.returns` is a fault of the step.
 *
 * @throws PortValidationError for such a result
 */
export function finishOutcome(
  spec: AnySpec,
  outputs: Readonly<Record<string, unknown>>,
  state: StateData,
): StateData {
  if (state.label !== 'finished' || !state.successful) return state
  if (spec.hasReturns) {
    const problems = spec.checkResult(state.result)
    if (problems.length > 0) throw new PortValidationError(problems)
  }
  const problems = spec.validateOutputs(outputs)
  if (problems.length === 0) return state
  return {
    ...state,
    successful: false,
    message: problems.map(({ port, message }) => `${port}: ${message}`).join('\n'),
    missing: missingOf(problems, outputs),
  }
}

/**
 * The dotted names, without the leading `outputs`, of the problems about outputs that were never
 * emitted.
 */
function missingOf(
  problems: readonly PortProblem[],
  outputs: Readonly<Record<string, unknown>>,
): readonly string[] | undefined {
  const missing = problems
    .map(({ port }) => port.split('.').slice(1))
    .filter((names) => names.length > 0 && valueAt(outputs, names) === undefined)
    .map((names) => names.join('.'))
  return missing.length === 0 ? undefined : missing
}
