import { SpecError } from '../shared/errors.ts'
import type { ExitCode } from './exit-code.ts'
import {
  type NamedIn,
  type NamedNode,
  namedNodes,
  type OutlineExit,
  type OutlinePart,
} from './instructions.ts'
import { Outline } from './outline.ts'
import { mapNodes } from './outline-node.ts'
import { type Named, ProcessSpec, type SpecDescription, type SpecKind } from './process-spec.ts'

/** Any spec of a work chain, typed or not. */
// oxlint-disable-next-line typescript/no-explicit-any -- as for `AnySpec`
export type AnyWorkChainSpec = WorkChainSpec<any, any, any, any, any>

/** See `SpecKind`. */
interface WorkChainSpecKind extends SpecKind {
  readonly spec: WorkChainSpec<this['in'], this['out'], this['returns'], this['codes'], this['signals']>
}

/** What a work chain declares: everything that a process declares, and an outline of its steps. */
export class WorkChainSpec<
  out In = {},
  out Out = {},
  out Returns = unknown,
  out Codes = {},
  out Signals = {},
> extends ProcessSpec<In, Out, Returns, Codes, Signals> {
  declare readonly '~kind': WorkChainSpecKind

  #parts: readonly NamedNode[] | undefined
  #outline: Outline | undefined

  /**
   * Declares the steps in their order: methods (`W.prototype.setup`, or `'setup'`) and `if_`,
   * `while_`, `return_`. A second call, as in the `define` of a subclass, replaces the outline.
   *
   * @throws SpecError for an empty outline, and for a part that is neither a step nor an
   * instruction
   */
  outline<This extends AnyWorkChainSpec, Parts extends readonly OutlinePart[]>(
    this: This,
    ...parts: Parts
  ): Named<This, NamedIn<Parts>>
  outline(...parts: readonly OutlinePart[]): unknown {
    this.change()
    this.#parts = namedNodes(this, parts)
    this.#outline = undefined
    return this
  }

  /**
   * Returns the outline, or undefined if none was declared.
   *
   * @throws SpecError for a `return_` with an undeclared label
   */
  getOutline(): Outline | undefined {
    if (this.#outline !== undefined || this.#parts === undefined) return this.#outline
    const parts = mapNodes(
      this.#parts,
      (name) => name,
      (exit) => this.#exitCode(exit),
    )
    const outline = new Outline(parts)
    // An exit code may be declared again until the spec is sealed.
    if (this.sealed) this.#outline = outline
    return outline
  }

  override seal(): void {
    this.getOutline()
    super.seal()
  }

  override getDescription(): SpecDescription {
    const outline = this.getOutline()
    return { ...super.getDescription(), ...(outline === undefined ? {} : { outline: outline.toLines() }) }
  }

  #exitCode(exit: OutlineExit | undefined): ExitCode | undefined {
    try {
      return exit === undefined ? undefined : this.findExitCode(exit)
    } catch (error) {
      if (!(error instanceof SpecError)) throw error
      throw new SpecError(`return_ in the outline: ${error.message}`, { cause: error })
    }
  }
}
