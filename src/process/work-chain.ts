import type { SpecClass } from '../spec/process-spec.ts'
import { WorkChainSpec } from '../spec/work-chain-spec.ts'
import type { ContextFit } from './step/context-values.ts'
import { type ContextOptions, type ContextValues, ToContext } from './step/context.ts'
import { Process, stepOf } from './process.ts'
import type { Untyped } from './host/process-types.ts'

/**
 * A process whose steps follow an outline that its class declares: `spec.outline(W.prototype.setup,
 * while_(W.prototype.more)(W.prototype.go))`.
 *
 * After a step that returns nothing, or only values for the context, the outline continues. Any
 * other value decides the next state, as in every process: an exit code or a result ends the chain;
 * after a `Wait` or `Continue` with a step of its own, the outline continues from the same
 * position. The position is in the saved form, in the status and in lists: `2.while(more)#7.go`.
 */
export class WorkChain<C = Untyped> extends Process<C> {
  static override readonly specClass: SpecClass = WorkChainSpec

  static override define(spec: WorkChainSpec): unknown {
    return super.define(spec)
  }

  /**
   * Puts the results of processes into `ctx`, under dotted names, before the next step. Values that
   * are not handles are set when the step has ended. A process that fails or ends unsuccessfully
   * fails this one with `UpstreamFailed`, unless its handle is given with `allowFailure`; `append`
   * adds to a list. With `outputs: true` the handles stand for the outputs of their processes. May be
   * called more than once in a step.
   *
   * @throws InvalidStateError outside a step
   * @throws TypeError for an unknown option
   */
  // `Ctx` is inferred from the process. A subclass declares it anew.
  protected toContext<Ctx extends object, const V extends ContextValues, O extends boolean = false>(
    this: { readonly ctx: Ctx },
    values: V & ContextFit<Ctx, V, O>,
    options: ContextOptions & { readonly outputs?: O | undefined } = {},
  ): void {
    stepOf(this, 'toContext').updates.add(new ToContext(values, options))
  }
}
