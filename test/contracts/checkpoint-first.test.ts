import { expect, onTestFinished, test } from 'vitest'
import { Continue, Engine, MemoryStore, Process, type ProcessSpec } from '../../src/index.ts'
import { closeGates, gate } from '../engine/processes.ts'
import { advance, aPath, create, everything, openSqlite, slow } from './stores.ts'

test('C3: a step starts only after the checkpoint that leads into it is durable', async () => {
  const happened: string[] = []
  class Three extends Process<typeof Three> {
    override run(): unknown {
      happened.push('runs run')
      return new Continue(this.two)
    }
    two(): unknown {
      happened.push('runs two')
      return new Continue(this.three)
    }
    three(): void {
      happened.push('runs three')
    }
  }
  const store = slow(new MemoryStore(), (writes) => {
    for (const write of writes)
      if (write.kind === 'create' || write.kind === 'advance')
        happened.push(`saved ${write.step ?? 'the end'}`)
  })
  const engine = await Engine.open({ store, processes: [Three], handleSignals: false })
  onTestFinished(() => engine.close())
  await (await engine.launch(Three)).wait()
  expect(happened.join(', ')).toBe(
    'saved run, runs run, saved two, runs two, saved three, runs three, saved the end',
  )
})

test('C3: context, members, outputs and arguments are saved with the transition, and come back with it', async () => {
  class Saving extends Process<typeof Saving> {
    static override persisted = ['member']
    declare ctx: { seen?: Date }
    member = 0
    static override define(spec: ProcessSpec) {
      super.define(spec)
      return spec.output('early').output('late')
    }
    override async run(): Promise<unknown> {
      await gate('saving').pass()
      this.ctx.seen = new Date(7)
      this.member = 8
      this.out('early', 9)
      return new Continue(this.end, 'argument')
    }
    end(argument: string): void {
      this.out('late', [argument, this.ctx.seen, this.member, this.outputs.early])
    }
  }
  const path = await aPath()
  const options = { store: path, processes: [Saving], handleSignals: false }
  const first = await Engine.open(options)
  const { pid } = await first.launch(Saving)
  await gate('saving').reached
  const closing = first.close()
  closeGates()
  await closing
  const second = await Engine.open(options)
  onTestFinished(() => second.close())
  expect(await second.handle(pid).outputs.all()).toEqual({ early: 9, late: ['argument', new Date(7), 8, 9] })
})

test('C3: of a transition that the database refuses nothing is saved, and of the others in its commit all', async () => {
  const store = await openSqlite(await aPath())
  await store.commit([create('bad', 'engine'), create('good', 'engine')])
  const before = await everything(store, 'bad')
  // What the driver can't bind: only a fault of ours could write it.
  const unsavable = { 'out:first': '1', 'out:second': true as unknown as string }
  const outcomes = await store.commit([advance('bad', 1, 2, { parts: unsavable }), advance('good', 1, 2)])
  expect(outcomes.map(({ status }) => status)).toEqual(['refused', 'done'])
  expect(await everything(store, 'bad')).toEqual(before)
  expect((await store.read('good'))?.step).toBe('next')
})
