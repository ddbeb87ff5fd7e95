import { isPlainObject } from '../../ports/plain.ts'
import { PortValidationError, type PortProblem } from '../../shared/errors.ts'
import { getOwn } from '../../shared/own.ts'
import type { Life } from '../runner/process-runner.ts'
import type { StateData } from '../state/state-data.ts'

/**
 * A process that would finish well, looked at once more: without all its required outputs it is finished and not
 * successful. A result that does not fit `spec.returns` is a fault of the step.
 *
 * @throws PortValidationError for such a result
 */
export function checkFinish(life: Life, stage: StateData): StateData {
  if (stage.label !== 'finished' || !stage.successful) return stage
  const { spec } = life.plan
  if (spec.hasReturns) {
    const problems = spec.checkResult(stage.result)
    if (problems.length > 0) throw new PortValidationError(problems)
  }
  const problems = spec.validateOutputs(life.outputs)
  if (problems.length === 0) return stage
  return {
    ...stage,
    successful: false,
    message: problems.map(({ port, message }) => `${port}: ${message}`).join('\n'),
    missing: missingOf(problems, life.outputs),
  }
}

/** The dotted names, without the leading `outputs`, of the problems that stand where nothing was emitted. */
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

function valueAt(outputs: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  let at: unknown = outputs
  for (const name of names) at = isPlainObject(at) ? getOwn(at, name) : undefined
  return at
}
