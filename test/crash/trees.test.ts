import { expect } from 'vitest'
import { Process, type ProcessHandle, type ProcessSpec, type ProcessState } from '../../src/index.ts'
import type { Driver } from './driver.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* What is asked of a process and all that it launched, with a crash in the middle of it. */

/** Launches two of its kind on each level, and joins them; those at the bottom wait for a signal. */
class Branch extends Process<typeof Branch> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('below', { schema: { type: 'integer' } })
      .input('abandon', { schema: { type: 'boolean' }, default: false })
      .signal('fall')
  }
  override async run(): Promise<unknown> {
    await this.effect('grow', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    const { below, abandon } = this.inputs
    if (below === 0) return this.receive('fall')
    const branches: ProcessHandle[] = []
    for (let side = 0; side < 2; side++)
      branches.push(await this.launch(Branch, { below: below - 1 }, { abandon: abandon && side === 1 }))
    return this.join('branches', branches)
  }
}

/** All of a tree, its root first. */
async function treeOf(driver: Driver, pid: string): Promise<string[]> {
  const children = await driver.children(pid)
  return [pid, ...(await Promise.all(children.map((child) => treeOf(driver, child.pid)))).flat()]
}

async function statesOf(driver: Driver, pids: readonly string[]): Promise<Set<ProcessState | 'paused'>> {
  const rows = await Promise.all(pids.map((pid) => driver.engine.store.read(pid)))
  return new Set(rows.map((row) => (row?.paused ? 'paused' : (row?.state ?? 'created'))))
}

async function grown(driver: Driver, inputs: { readonly abandon?: boolean } = {}): Promise<ProcessHandle> {
  const root = await driver.launch('root', Branch, { below: 2, ...inputs })
  await driver.rests('root')
  return root
}

crashAtEveryCommit('USERS 12: a kill reaches the whole tree', { processes: [Branch] }, async (driver) => {
  const root = await grown(driver)
  await root.kill('felled')
  await driver.ends('root')
  const tree = await treeOf(driver, 'root')
  expect(tree).toHaveLength(7)
  expect(await statesOf(driver, tree)).toEqual(new Set(['killed']))
})

crashAtEveryCommit('C7: a pause and a play reach the whole tree', { processes: [Branch] }, async (driver) => {
  const root = await grown(driver)
  await driver.once(root, 'paused', () => root.pause('winter'))
  await driver.rests('root')
  const tree = await treeOf(driver, 'root')
  await driver.once(root, 'played', async () => {
    await driver.rests('root')
    expect(await statesOf(driver, tree)).toEqual(new Set(['paused']))
    await root.play()
  })
  await driver.rests('root')
  for (const pid of tree.slice(1)) {
    const leaf = driver.engine.handle(pid)
    if ((await driver.children(pid)).length === 0)
      await driver.once(leaf, 'signalled', () => leaf.signal('fall', pid))
  }
  await driver.ends('root')
  expect(await statesOf(driver, tree)).toEqual(new Set(['finished']))
})

crashAtEveryCommit(
  'C7: one that is paused alone holds up nobody but its parent',
  { processes: [Branch] },
  async (driver) => {
    const root = await grown(driver)
    const [left, right] = (await driver.children('root')) as [ProcessHandle, ProcessHandle]
    await driver.once(left, 'paused', () => left.pause('alone', { tree: false }))
    const tree = await treeOf(driver, 'root')
    for (const pid of tree) {
      const leaf = driver.engine.handle(pid)
      if ((await driver.children(pid)).length === 0)
        await driver.once(leaf, 'signalled', () => leaf.signal('fall', 1))
    }
    await driver.ends(right.pid)
    await driver.once(left, 'played', async () => {
      expect(await driver.rests(left.pid)).toMatchObject({ paused: { message: 'alone' }, endedAt: null })
      expect(await driver.engine.explain('root')).toMatch(/which is paused \(alone\): play it/)
      await left.play()
    })
    await driver.ends('root')
    expect(await root.result()).toEqual([
      [1, 1],
      [1, 1],
    ])
  },
)

crashAtEveryCommit(
  'C7: what is abandoned outlives the kill of its parent',
  { processes: [Branch] },
  async (driver) => {
    const root = await grown(driver, { abandon: true })
    await root.kill('felled')
    await driver.ends('root')
    const [left, right] = (await driver.children('root')) as [ProcessHandle, ProcessHandle]
    expect(await statesOf(driver, await treeOf(driver, left.pid))).toEqual(new Set(['killed']))
    await driver.rests(right.pid)
    expect(await statesOf(driver, await treeOf(driver, right.pid))).toEqual(new Set(['waiting']))
  },
)
