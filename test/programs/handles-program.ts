import { join } from 'node:path'
import {
  allowFailure,
  callRepr,
  Client,
  Continue,
  each,
  Engine,
  joinGroups,
  Process,
  quote,
  resolveHandles,
  resolveStates,
  type ProcessSpec,
} from '../../src/index.ts'

/*
 * Uses handles, groups, references, actors, output and lifetimes in the folder that is given, with time limits of hours, and leaves loops
 * and failures unread. It must end by itself, and leave no other files than the store and what it saved.
 */

class Job extends Process<typeof Job> {
  static override prune = { after: '30d', keep: 1_000 } as const
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('n', { schema: { type: 'integer' } })
      .input('given', { required: false })
      .output('twice', { schema: { type: 'integer' }, required: false })
      .returns({})
  }
  override async run(): Promise<unknown> {
    const { n } = this.inputs
    this.print(`job ${n}`)
    this.logger.warn({}, 'a warning')
    this.progress({ done: n, total: 10 })
    this.addEvent('begun', { n })
    if (n === 2) throw new Error('no two')
    this.out('twice', 2 * n)
    return n
  }
}

class Parent extends Process<typeof Parent> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.returns({})
  }
  override async run(): Promise<unknown> {
    const mapped = await this.map(Job, { n: each([3, 4]) })
    const one = await this.launch(Job, { n: 5, given: mapped.at(0) }, { after: [mapped.at(1) as never] })
    return [await mapped.result(), await one.result()]
  }
}

class Waits extends Process<typeof Waits> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('go').returns({})
  }
  override async run(): Promise<unknown> {
    await this.receive('go')
    return new Continue(this.last)
  }
  last(): string {
    return 'gone'
  }
}

class Counter {
  n = 0
  add(more: number): number {
    return (this.n += more)
  }
}

const [folder = '.'] = process.argv.slice(2)
const store = join(folder, 'test.db')
const limits = { timeout: '5h', signal: new AbortController().signal } as const
const out = { write: (): void => {} }
const engine = await Engine.open({
  store,
  processes: [Job, Parent, Waits],
  actors: [Counter],
  handleSignals: false,
})
const client = await Client.open({ store })

// Groups: launched in each way, found again, saved, waited for and left.
const group = await engine.launchAll(Job, [{ n: 0 }, { n: 1 }, { n: 2 }], { group: 'jobs' })
const mapped = await engine.map(Job, { n: each([5, 6]), given: 'the same' })
const lazy = engine.imap(Job, [{ n: 7 }, { n: 8 }, { n: 9 }], { maxOutstanding: 2 })
for await (const _ of lazy) break
await group.save(join(folder, 'group.json'))
const opened = await client.openGroup(join(folder, 'group.json'))
const named = await client.openGroup({ name: 'jobs' })
for await (const _ of opened.asCompleted(limits)) break
for await (const _ of named.values({ ...limits, ordered: false, raiseOnFailure: false })) break
await joinGroups(opened, named).waitInteractive({ ...limits, out })
await group.display({ stdout: out, stderr: out })
await group.wait({ ...limits, returnWhen: 'first-failure' })
const [settled] = await group.outcomes(limits)
await mapped.result(limits)
await group.metadata()
await mapped.pause()
await mapped.play()
await mapped.kill()
await mapped.abort()

// References and what resolves them.
const first = await engine.launch(Job, { n: 3 }, { retention: 'refs' })
await first.save(join(folder, 'handle.json'))
const same = await client.openHandle(join(folder, 'handle.json'))
const failed = await engine.launch(Job, { n: 2 })
const taken = await engine.launch(
  Job,
  { n: first.outputs.ref('twice'), given: [allowFailure(failed), quote(first)] },
  { after: [first.outputs.done] },
)
const upstream = await engine.launch(Job, { n: 1, given: failed })
await resolveHandles({ a: [taken], b: first }, limits)
await resolveStates([failed, upstream], limits)
callRepr('Job', [taken])
const parent = await engine.execute(Parent)

// Output and events that are followed and left, and a record that is read.
const waits = await engine.launch(Waits)
const left = waits.logs({ follow: true, signal: limits.signal })[Symbol.asyncIterator]()
void left.next().catch(() => {})
for await (const event of waits.events({ follow: true })) if (event.name === 'created') break
waits.onDone(() => {})
await waits.signal('go')
await waits.result(limits)
await left.return?.()
await failed.history()
await client.explain(upstream.pid)

// Lifetimes, actors, and all that a client has launched.
first.retain()
await first.release()
await same.size()
await taken.purge()
const counter = await engine.actor(Counter, [])
const sum = await counter.call.add(3).result(limits)
await client.actorById(Counter.name, counter.id).stop()
await client.waitForEngines(1, limits)
await engine.barrier(limits)
await (await engine.resubmit(group)).wait(limits)

await client.close()
await engine.close()
console.log(JSON.stringify([settled?.status, parent, sum, upstream.state.reason]))
