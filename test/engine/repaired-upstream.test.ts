import { expect, it } from 'vitest'
import { InvalidStateError, Process, UpstreamFailed, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'
import { gate } from './processes.ts'

let isBroken = true

/** Fails while something is broken. */
class Source extends Process<typeof Source> {
  static override define(spec: ProcessSpec) {
    return spec.returns({ schema: { type: 'integer' } })
  }
  override async run(): Promise<number> {
    await gate('source').pass()
    if (isBroken) throw new Error('broken')
    return 20
  }
}

class Double extends Process<typeof Double> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override run(): number {
    return this.inputs.n * 2
  }
}

overEachStore((over) => {
  it('after a restart of what failed, a dependent process is submitted anew with the new one', async () => {
    isBroken = true
    const engine = await over().engine([Source, Double])
    const source = await engine.launch(Source)
    const first = await engine.launch(Double, { n: source })
    const second = await engine.launch(Double, { n: first })
    gate('source').open()
    await expect(second.result()).rejects.toThrow(UpstreamFailed)
    const before = await engine.explain(first.pid)
    expect(before).toContain(`\nSource ${source.pid} is excepted: \`damson explain ${source.pid}\``)
    expect(before).toContain(`\`damson resubmit ${first.pid} --set 'inputs.n={"$process":"NEW PID"}'\``)
    isBroken = false
    const repaired = await engine.restart(source.pid)
    expect(await repaired.result()).toBe(20)
    const after = await engine.explain(first.pid)
    expect(after).toContain(`is excepted, and is superseded by ${repaired.pid}, which is finished\n`)
    expect(after).toContain(`--set 'inputs.n={"$process":"${repaired.pid}"}'\``)
    // A reference is to one process, and what has ended stays as it is.
    const unchanged = await engine.restart(first.pid)
    await expect(unchanged.result()).rejects.toMatchObject({ upstream: source.pid })
    expect(await unchanged.references()).toEqual([source.pid])
    const again = await engine.resubmit(first.pid, { set: { 'inputs.n': repaired } })
    expect(await again.references()).toEqual([repaired.pid])
    const last = await engine.resubmit(second.pid, { set: { 'inputs.n': again } })
    expect(await last.result()).toBe(80)
    expect((await engine.find(first.pid))?.state).toMatchObject({ label: 'excepted', reason: 'upstream' })
  })

  it('a dependent process waits for a source that is tried again', async () => {
    const { store } = over()
    isBroken = true
    const engine = await over().engine([Source, Double])
    const source = await engine.launch(Source, {}, { retry: { attempts: 2, backoff: { initial: '1h' } } })
    const dependent = await engine.launch(Double, { n: source })
    gate('source').open()
    await untilRow(store, source.pid, ({ attempt }) => attempt === 2)
    await dependent.refresh()
    expect(dependent.state).toMatchObject({ label: 'created', reason: 'inputs' })
    isBroken = false
    expect(await source.retry()).toBe(true)
    expect(await dependent.result()).toBe(40)
  })

  it('a process that waits for its inputs has only a context to edit, and starts all the same', async () => {
    isBroken = false
    const engine = await over().engine([Source, Double])
    const source = await engine.launch(Source)
    const dependent = await engine.launch(Double, { n: source })
    expect(await engine.edit(dependent.pid, { 'ctx.n': 1 })).toHaveLength(1)
    await expect(engine.edit(dependent.pid, { 'args[0]': 1 })).rejects.toThrow(InvalidStateError)
    await expect(engine.edit(dependent.pid, { 'inputs.n': 1 } as never)).rejects.toThrow(TypeError)
    gate('source').open()
    expect(await dependent.result()).toBe(40)
  })
})
