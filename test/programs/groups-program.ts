import {
  Engine,
  joinGroups,
  MemoryStore,
  Process,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'

/*
 * Uses all waits for groups, with time limits of hours, and leaves failures unread. It must end by itself.
 */

class Job extends Process<typeof Job> {
  static override define(spec: ProcessSpec) {
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override run() {
    if (this.inputs.n === 2) throw new Error('no two')
    return this.inputs.n
  }
}

const engine = await Engine.open({ store: new MemoryStore(), processes: [Job], handleSignals: false })
const handles: ProcessHandle<number>[] = []
for (let n = 0; n < 6; n++) handles.push(await engine.launch(Job, { n }))
const group = joinGroups(engine.group(handles.slice(0, 3)), engine.group(handles.slice(3)))
const limits = { timeout: '5h', signal: new AbortController().signal }
await group.wait({ ...limits, returnWhen: 'first-completed' })
await group.wait({ ...limits, returnWhen: 'first-failure' })
for await (const handle of group.asCompleted(limits)) if (handle.done) break
for await (const value of group.values({ ...limits, ordered: false, raiseOnFailure: false }))
  if (value instanceof Error) break
await group.result(limits).catch(() => {})
await group.result({ ...limits, raiseOnFailure: false })
await group.outcomes(limits)
await group.submitted(limits)
await group.isReady(limits)
await group.abort()
await group.metadata()
await engine.waitForEngines(1, limits)
const again = await engine.resubmit(group)
await again.wait(limits)
await engine.close()
console.log(group.successful(), group.results().join())
