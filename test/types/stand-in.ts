import { specOf } from '../../src/spec/spec-of.ts'
import type {
  AnySpec,
  ExitCodesOf,
  InputsOf,
  LaunchArgs,
  OutputName,
  OutputsOf,
  OutputValue,
} from '../../src/spec/typing.ts'
import type { ProcessSpec } from '../../src/spec/process-spec.ts'

export class Process<C = typeof Process> {
  static define(_spec: ProcessSpec): unknown {
    return undefined
  }
  declare readonly '~class': C
  declare readonly exitCodes: ExitCodesOf<C>
  declare readonly outputs: OutputsOf<C>
  readonly inputs: InputsOf<C>
  constructor(...[inputs]: LaunchArgs<C>) {
    const spec: AnySpec = specOf(this.constructor as typeof Process)
    this.inputs = spec.parseInputs(inputs as Record<string, unknown>).inputs as InputsOf<C>
  }
  out<const N extends OutputName<C>>(_name: N, _value: OutputValue<C, N>): void {}
}
