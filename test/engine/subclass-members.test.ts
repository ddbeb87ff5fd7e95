import { expect, test } from 'vitest'
import { Continue, Process, SerializationError, Wait, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'

/** A unit that can only be saved as its text. */
class Unit {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  toText(): string {
    return this.#text
  }
}

/** Saves its inputs as texts, and a counter that is neither in `ctx` nor persisted. */
class Measure extends Process<typeof Measure> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('unit', { instanceOf: Unit }).input('note', { required: false }).output('reading')
  }
  #readings = 0

  override saveInstanceState(bundle: Record<string, unknown>): void {
    bundle['readings'] = this.#readings
  }
  override loadInstanceState(bundle: Readonly<Record<string, unknown>>): void {
    this.#readings = Number(bundle['readings'] ?? 0)
  }
  override encodeInputArgs({ unit }: Readonly<Record<string, unknown>>): unknown {
    return { unit: (unit as Unit).toText() }
  }
  override decodeInputArgs(encoded: unknown): Readonly<Record<string, unknown>> {
    return { unit: new Unit((encoded as { unit: string }).unit) }
  }

  override run() {
    this.#readings += 1
    return new Continue(this.again)
  }
  again() {
    this.#readings += 1
    return new Wait(this.read, { message: 'for the instrument' })
  }
  read(value: number) {
    this.out('reading', `${this.#readings}: ${value} ${this.inputs.unit.toText()}`)
  }
}

overEachStore((over) => {
  test('inputs that only the class can encode are refused beside references, and nothing is launched', async () => {
    const engine = await over().engine([Measure])
    const other = await engine.launch(Measure, { unit: new Unit('kelvin') })
    const unit = new Unit('bar')
    const launching = engine.launch(Measure, { unit, note: other.outputs.ref('reading') })
    await expect(launching).rejects.toThrow(SerializationError)
    await expect(launching).rejects.toThrow(/inputs\.unit: an instance of Unit .* encodeInputArgs/)
    expect((await engine.list()).processes).toHaveLength(1)
    await (await engine.launch(Measure, { unit }, { after: [other] })).kill('enough')
    await other.kill('enough')
  })

  test('a class saves more by saveInstanceState, and inputs in its own form by encodeInputArgs', async () => {
    const engine = await over().engine([Measure])
    const handle = await engine.launch(Measure, { unit: new Unit('kelvin') })
    await untilWaiting(over().store, handle.pid)
    const saved = await over().store.load(handle.pid)
    expect(saved?.bundle().parts).toMatchObject({ inputs: '{"unit":"kelvin"}' })
    expect(saved?.bundle().parts['memory']).toContain('"readings":2')
    // The process is not in memory while it waits: loadInstanceState and decodeInputArgs bring it back.
    await handle.resume(4.2)
    expect(await handle.outputs.all()).toEqual({ reading: '2: 4.2 kelvin' })
  })
})

test('getStatusInfo describes a process', async () => {
  const process = new Measure({ unit: new Unit('bar') }, { pid: 'm' })
  expect(process.getStatusInfo()).toEqual({
    pid: 'm',
    className: 'Measure',
    state: 'created',
    paused: false,
    status: undefined,
    creationTime: process.creationTime,
    processString: 'Measure<m> (created)',
  })
  await process.pause('for lunch')
  expect(process.getStatusInfo()).toMatchObject({ paused: true, status: 'for lunch' })
})
