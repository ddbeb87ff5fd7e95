import { describe, expect, it } from 'vitest'
import { append, Process, WorkChain, type ProcessSpec, type WorkChainSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

/** Returns its number. */
class Train extends Process<typeof Train> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('n', { schema: { type: 'integer' }, default: 1 })
      .returns({ schema: { type: 'integer' } })
  }
  override run() {
    return this.inputs.n
  }
}

/** Trains three times where there is a graphics card, and adds up. */
class Study extends WorkChain<typeof Study> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(Study.prototype.train, Study.prototype.sum)
  }
  async train() {
    for (const n of [1, 2])
      this.toContext({ runs: append(await this.launch(Train, { n }, { worker: 'gpu' })) })
    const group = await this.launchAll(Train, [{ n: 3 }], { worker: 'gpu' })
    this.toContext({ runs: append(group.at(0) as never) })
  }
  sum() {
    return (this.ctx['runs'] as number[]).reduce((a, b) => a + b)
  }
}

class Fails extends Process {
  override run(): void {
    throw new Error('no luck')
  }
}

class Counter {
  count = 0
  add(n: number): number {
    return (this.count += n)
  }
}

overEachStore((over) => {
  describe('an engine with labels', () => {
    it('runs what was launched for one of its labels, and what asks for none', async () => {
      const plain = await over().engine([Train])
      const gpu = await over().engine([Train], { labels: ['gpu', 'fast', 'gpu'] })
      const asked = await plain.launch(Train, { n: 2 }, { worker: 'gpu' })
      expect(await asked.result()).toBe(2)
      expect((await asked.metadata()).worker).toBe(gpu.id)
      await plain.close()
      const any = await gpu.launch(Train, { n: 3 })
      expect([await any.result(), (await any.metadata()).worker]).toEqual([3, gpu.id])
      expect(await gpu.inspect(asked.pid)).toMatchObject({ worker: 'gpu' })
      expect(await gpu.inspect(any.pid)).toMatchObject({ worker: null })
    })

    it('leaves what asks for another label, also of what it launches itself, and explains that', async () => {
      const { store, clock } = over()
      const engine = await over().engine([Train], { labels: ['tpu'] })
      const asked = await engine.launch(Train, { n: 2 }, { worker: 'gpu' })
      const group = await engine.launchAll(Train, [{ n: 3 }, { n: 4 }], { worker: 'gpu', group: 'on gpu' })
      const later = await engine.launch(Train, { n: 5 })
      expect(await later.result()).toBe(5)
      await clock.advance(5_000)
      expect(await store.read(asked.pid)).toMatchObject({ state: 'created', worker: 'gpu', owner: null })
      const why = 'was launched for an engine with the label gpu, but no such engine runs'
      expect(await asked.explain()).toContain(why)
      expect(await asked.explain()).toContain('damson worker MODULE --label gpu')
      const { attention, engines } = await engine.status()
      expect(attention).toEqual([
        {
          kind: 'no engine',
          name: 'Train',
          count: 3,
          pid: null,
          reason: 'no engine with the label gpu runs',
        },
      ])
      expect(engines).toMatchObject([{ labels: ['tpu'] }])
      expect(await engine.engines()).toMatchObject([{ id: engine.id, labels: ['tpu'] }])
      await over().engine([Train], { labels: ['gpu'] })
      expect([await asked.result(), ...(await group.result())]).toEqual([2, 3, 4])
      expect((await engine.status()).attention).toEqual([])
    })

    it('runs the children that a process launches for it, while another engine runs the process', async () => {
      const plain = await over().engine([Study, Train])
      const gpu = await over().engine([Train], { labels: ['gpu'] })
      const study = await plain.launch(Study)
      expect(await study.result()).toBe(6)
      expect((await study.metadata()).worker).toBe(plain.id)
      const { processes } = await plain.list({ className: 'Train' })
      expect(processes.map(({ lastEngine, worker }) => [lastEngine, worker])).toEqual(
        Array.from({ length: 3 }, () => [gpu.id, 'gpu']),
      )
    })

    it('takes values of other processes and waits for a delay as any engine does', async () => {
      const { clock } = over()
      const plain = await over().engine([Train])
      const first = await plain.launch(Train, { n: 2 })
      const second = await plain.launch(Train, { n: first }, { worker: 'gpu' })
      const third = await plain.launch(Train, { n: 7 }, { worker: 'gpu', delay: '1h' })
      await over().engine([Train], { labels: ['gpu'] })
      expect(await second.result()).toBe(2)
      await clock.advance(3_600_000)
      expect(await third.result()).toBe(7)
    })

    it('holds the actors that ask for it', async () => {
      const plain = await over().engine([], { actors: [Counter] })
      const counter = await plain.actor(Counter, [], { worker: 'gpu' })
      const sum = counter.call.add(3)
      await sum.submitted()
      expect(await sum.explain()).toContain('the label gpu')
      const gpu = await over().engine([], { actors: [Counter], labels: ['gpu'] })
      expect(await sum.result()).toBe(3)
      expect((await gpu.inspect(sum.pid)).lastEngine).toBe(gpu.id)
      await expect(plain.actor(Counter, [], { worker: '' })).rejects.toThrow(/worker/)
    })

    it('runs what was restarted or resubmitted from a process that asked for it', async () => {
      const gpu = await over().engine([Fails, Train], { labels: ['gpu'] })
      const failed = await gpu.launch(Fails, {}, { worker: 'gpu' })
      await failed.wait()
      const trained = await gpu.launch(Train, {}, { worker: 'gpu' })
      await trained.wait()
      const again = [await gpu.restart(failed.pid), await gpu.resubmit(trained)]
      for (const { pid } of again) expect(await gpu.inspect(pid)).toMatchObject({ worker: 'gpu' })
    })

    it('refuses labels that are none, before anything is opened or launched', async () => {
      for (const labels of ['gpu', [''], [7], {}])
        await expect(over().engine([Train], { labels: labels as never })).rejects.toThrow(/labels/)
      const engine = await over().engine([Train])
      for (const worker of ['', 7, ['gpu'], null])
        await expect(engine.launch(Train, {}, { worker: worker as never })).rejects.toThrow(/worker/)
      await expect(engine.launchAll(Train, [{}], { worker: '' })).rejects.toThrow(/worker/)
      expect((await engine.list()).processes).toEqual([])
    })
  })
})
