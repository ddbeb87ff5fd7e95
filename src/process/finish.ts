import { PortValidationError } from '../shared/errors.ts'
import type { Life } from './life.ts'
import type { Stage } from './stage.ts'

/**
 * A process that would finish well, looked at once more: without all its required outputs it is finished and not
 * successful. A result that does not fit `spec.returns` is a fault of the step.
 *
 * @throws PortValidationError for such a result
 */
export function checkFinish(life: Life, stage: Stage): Stage {
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
  }
}
