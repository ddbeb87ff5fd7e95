import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Process, type Client } from '../../src/index.ts'
import { overEachStore, untilWaiting } from '../engine/over-stores.ts'
import { Failing, Gated } from '../engine/processes.ts'

/*
 * A failure that nobody looks at, in a group, never ends the program.
 */

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
let client: Client

beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  await pause(5)
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled, [])
})

/** Begins waits for a group of which one process fails, and awaits only the failing one. */
class Begins extends Process {
  override async run(): Promise<number> {
    const group = client.group([await this.launch(Failing), await this.launch(Gated, { gate: 'for ever' })])
    const begun = [
      group.result(),
      group.result({ returnWhen: 'all' }),
      group.outcomes({ timeout: '1h' }),
      group.wait(),
      group.values().next(),
      group.slice(1).asCompleted().next(),
    ]
    await group.at(0)?.wait()
    return begun.length
  }
}

/** Begins waits for a group, and awaits a process. */
class Lingers extends Process {
  override async run(): Promise<number> {
    const group = client.group([await this.launch(Gated, { gate: 'for ever' })])
    const begun = [group.result(), group.wait(), group.values().next(), group.asCompleted().next()]
    await group.at(0)?.wait()
    return begun.length
  }
}

overEachStore((over) => {
  it('a group of failed processes is waited for, and nobody reads the failures', async () => {
    const engine = await over().engine([Failing])
    const group = engine.group([await engine.launch(Failing), await engine.launch(Failing)])
    expect((await group.wait()).done).toHaveLength(2)
    expect(group.successful()).toBe(false)
    await expect(group.result()).rejects.toThrow('on purpose')
    for await (const handle of group.asCompleted()) expect(handle.state.label).toBe('excepted')
    expect(group.results()).toEqual([null, null])
  })

  it('a step leaves waits for a group pending when it ends', async () => {
    const engine = await over().engine([Begins, Failing, Gated])
    client = engine
    const handle = await engine.launch(Begins)
    expect(await handle.result()).toBe(6)
    await engine.killAll({}, undefined, { force: true })
  })

  it('a step is killed that has begun waits for a group and awaits something else', async () => {
    const engine = await over().engine([Lingers, Gated])
    client = engine
    const handle = await engine.launch(Lingers)
    await untilWaiting(over().store, handle.pid)
    await handle.kill()
    expect(await handle.wait()).toMatchObject({ label: 'killed' })
  })

  it('a step is killed while it waits for a group', async () => {
    const engine = await over().engine([Begins, Failing, Gated])
    client = engine
    const group = engine.group([await engine.launch(Gated, { gate: 'for ever' })])
    class Waits extends Process {
      override async run(): Promise<void> {
        for await (const value of client.group(group.pids)) expect.unreachable(String(value))
      }
    }
    const waiting = await over().engine([Waits])
    client = waiting
    const handle = await waiting.launch(Waits)
    await untilWaiting(over().store, handle.pid)
    await handle.kill()
    expect(await handle.wait()).toMatchObject({ label: 'killed' })
    await engine.killAll({}, undefined, { force: true })
  })
})
