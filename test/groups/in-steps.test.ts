import { expect, it } from 'vitest'
import { Process, type Client, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilWaiting } from '../engine/over-stores.ts'
import { gate, Gated } from '../engine/processes.ts'

let client: Client

type How = 'result' | 'wait' | 'outcomes' | 'asCompleted' | 'values'

/** Launches three children, and waits for them as a group. */
class Collects extends Process<typeof Collects> {
  static override define(spec: ProcessSpec) {
    return spec.input('how', { schema: { type: 'string' } })
  }
  override async run(): Promise<number> {
    const handles: ProcessHandle[] = []
    for (const name of ['a', 'b', 'c']) handles.push(await this.launch(Gated, { gate: name }))
    const group = client.group(handles)
    let seen = 0
    switch (this.inputs.how as How) {
      case 'result':
        return (await group.result()).length
      case 'wait':
        return (await group.wait()).done.length
      case 'outcomes':
        return (await group.outcomes()).length
      case 'asCompleted':
        for await (const { done } of group.asCompleted()) seen += Number(done)
        return seen
      case 'values':
        for await (const value of group) seen += Number(value !== undefined)
        return seen
    }
  }
}

overEachStore((over) => {
  it.each<How>(['result', 'wait', 'outcomes', 'asCompleted', 'values'])(
    'a step that waits for a group by %s holds no slot',
    async (how) => {
      const engine = await over().engine([Collects, Gated], { concurrency: 1 })
      client = engine
      const parent = await engine.launch(Collects, { how })
      const row = await untilWaiting(over().store, parent.pid)
      expect(row.message).toMatch(
        how === 'asCompleted' || how === 'values' ? /^waits for / : 'waits for 3 processes',
      )
      expect(await parent.refresh()).toMatchObject({ label: 'waiting', reason: 'children' })
      for (const name of ['a', 'b', 'c']) gate(name).open()
      expect(await parent.result()).toBe(3)
    },
  )

  it('a kill ends the wait of a step for a group', async () => {
    const engine = await over().engine([Collects, Gated], { concurrency: 2 })
    client = engine
    const parent = await engine.launch(Collects, { how: 'result' })
    await untilWaiting(over().store, parent.pid)
    await parent.kill('not needed', { tree: false })
    expect(await parent.wait()).toMatchObject({ label: 'killed', message: 'not needed' })
    await engine.killAll({}, undefined, { force: true })
  })
})
