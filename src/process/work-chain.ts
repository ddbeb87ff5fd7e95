import type { SpecClass } from '../spec/process-spec.ts'
import { WorkChainSpec } from '../spec/work-chain-spec.ts'
import type { ContextValues } from './step/context.ts'
import { Process, stepOf } from './process.ts'
import type { Untyped } from './host/process-types.ts'

/**
 * A process whose steps follow an outline that its class declares: `spec.outline(W.prototype.setup, while_(W.prototype.more)(W.prototype.go))`.
 *
 * A step that returns nothing, or only what goes into the context, lets the outline go on. Anything else that it returns decides, as
 * in every process: an exit code or a result ends the chain; after `Wait` or `Continue` with a step of its own, the outline goes
 * on from the same place. Where it is stands in its saved form, in its status and in lists: `2.while(more)#7.go`.
 */
export class WorkChain<C = Untyped> extends Process<C> {
  static override readonly specClass: SpecClass = WorkChainSpec

  static override define(spec: WorkChainSpec): unknown {
    return super.define(spec)
  }

  /**
   * Has the results of processes in `ctx`, under dotted names, before the next step; values that are no handles are set at once, when the
   * step has ended. A process that fails, or ends unsuccessfully, fails this one with `UpstreamFailed`, unless it is given with
   * `allowFailure`; `append` adds to a list. May be called more than once in a step.
   *
   * @throws InvalidStateError outside a step
   */
  protected toContext(values: ContextValues): void {
    stepOf(this as unknown as Process, 'toContext').updates.add(values)
  }
}
