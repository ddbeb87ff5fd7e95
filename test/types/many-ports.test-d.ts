import { type InputsOf, Process, type ProcessSpec } from 'damson'

// A spec of many ports stays within what the compiler is willing to instantiate.
export class Many extends Process<typeof Many> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('p0', { schema: { type: 'number' }, default: 1 })
      .input('ns.p1', { schema: { type: 'number' } })
      .input('p2', { schema: { type: 'number' } })
      .input('ns.p3', { schema: { type: 'number' } })
      .input('p4', { schema: { type: 'number' } })
      .input('ns.p5', { schema: { type: 'number' }, default: 1 })
      .input('p6', { schema: { type: 'number' } })
      .input('ns.p7', { schema: { type: 'number' } })
      .input('p8', { schema: { type: 'number' } })
      .input('ns.p9', { schema: { type: 'number' } })
      .input('p10', { schema: { type: 'number' }, default: 1 })
      .input('ns.p11', { schema: { type: 'number' } })
      .input('p12', { schema: { type: 'number' } })
      .input('ns.p13', { schema: { type: 'number' } })
      .input('p14', { schema: { type: 'number' } })
      .input('ns.p15', { schema: { type: 'number' }, default: 1 })
      .input('p16', { schema: { type: 'number' } })
      .input('ns.p17', { schema: { type: 'number' } })
      .input('p18', { schema: { type: 'number' } })
      .input('ns.p19', { schema: { type: 'number' } })
      .input('p20', { schema: { type: 'number' }, default: 1 })
      .input('ns.p21', { schema: { type: 'number' } })
      .input('p22', { schema: { type: 'number' } })
      .input('ns.p23', { schema: { type: 'number' } })
      .input('p24', { schema: { type: 'number' } })
      .input('ns.p25', { schema: { type: 'number' }, default: 1 })
      .input('p26', { schema: { type: 'number' } })
      .input('ns.p27', { schema: { type: 'number' } })
      .input('p28', { schema: { type: 'number' } })
      .input('ns.p29', { schema: { type: 'number' } })
      .input('p30', { schema: { type: 'number' }, default: 1 })
      .input('ns.p31', { schema: { type: 'number' } })
      .input('p32', { schema: { type: 'number' } })
      .input('ns.p33', { schema: { type: 'number' } })
      .input('p34', { schema: { type: 'number' } })
      .input('ns.p35', { schema: { type: 'number' }, default: 1 })
      .input('p36', { schema: { type: 'number' } })
      .input('ns.p37', { schema: { type: 'number' } })
      .input('p38', { schema: { type: 'number' } })
      .input('ns.p39', { schema: { type: 'number' } })
      .input('p40', { schema: { type: 'number' }, default: 1 })
      .input('ns.p41', { schema: { type: 'number' } })
      .input('p42', { schema: { type: 'number' } })
      .input('ns.p43', { schema: { type: 'number' } })
      .input('p44', { schema: { type: 'number' } })
      .input('ns.p45', { schema: { type: 'number' }, default: 1 })
      .input('p46', { schema: { type: 'number' } })
      .input('ns.p47', { schema: { type: 'number' } })
      .input('p48', { schema: { type: 'number' } })
      .input('ns.p49', { schema: { type: 'number' } })
  }
}
type Inputs = InputsOf<typeof Many>
export const last = (inputs: Inputs): [number, number] => [inputs.p48, inputs.ns.p49]
// @ts-expect-error there is no such port
export const beyond = (inputs: Inputs): number => inputs.p50
