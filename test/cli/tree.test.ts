import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findRoots, readTree } from '../../src/cli/read/read-tree.ts'
import { treeText } from '../../src/cli/render/tree-text.ts'
import { summary } from '../../src/client/read/summary.ts'
import type { ProcessHandle, ProcessRow } from '../../src/index.ts'
import { TestBench } from '../../src/testing/index.ts'
import { damson } from './in-process.ts'
import { Family, Word } from './processes.ts'
import { Project } from './project.ts'

let project: Project
let bench: TestBench
beforeEach(async () => {
  project = new Project()
  bench = await TestBench.open({ store: project.store, processes: [Family, Word] })
})
afterEach(async () => {
  await bench.close()
  await project[Symbol.asyncDispose]()
})

async function family(children: number): Promise<ProcessHandle> {
  const handle = await bench.launch(Family, { children })
  await bench.untilWaiting(handle)
  return handle
}

async function tree({ pid }: ProcessHandle, options: { readonly all: boolean }): Promise<string[]> {
  const now = bench.clock.now()
  const row = (await bench.client.store.read(pid)) as ProcessRow
  return treeText(await readTree(bench.client, summary(row, now), options.all), { now }).split('\n')
}

describe('a tree of processes', () => {
  it('has a line for each process, with what it waits for; what was abandoned is marked', async () => {
    const handle = await family(3)
    const [head, ...children] = await tree(handle, { all: false })
    expect(head).toBe(`Family ${handle.pid}  waiting  waits for 2 processes to end`)
    expect(children).toHaveLength(3)
    expect(children.filter((line) => line.includes('abandoned'))).toEqual([
      expect.stringMatching(
        /─ Word \S+ {2}"the eldest" {2}waiting, abandoned {2}waits to be resumed \(for a word\)$/,
      ),
    ])
    expect(children.map((line) => line.slice(0, 8))).toEqual(['├─ Word ', '├─ Word ', '└─ Word '])
  })

  it('of many children has how many there are of each state, and with all of them a line for each', async () => {
    const handle = await family(30)
    const { processes } = await bench.client.list({ parent: handle.pid, limit: 1 })
    await bench.client.handle(processes[0]?.pid ?? '').kill()
    expect((await tree(handle, { all: false })).slice(1)).toEqual([
      '└─ 30 children: 29 waiting, 1 killed; --all shows them',
    ])
    expect(await tree(handle, { all: true })).toHaveLength(31)
  })

  it('keeps to one line what has several, and what would steer the terminal', async () => {
    const handle = await bench.launch(Word, {}, { label: 'two\nlines \u001B[31m' })
    await bench.untilWaiting(handle)
    expect(await tree(handle, { all: false })).toEqual([expect.stringContaining('"two lines �[31m"')])
  })
})

describe('the trees that have not ended', () => {
  it('begin with what nobody launched, or what has ended and left others behind', async () => {
    const ended = await family(2)
    await ended.kill('enough')
    const { processes } = await bench.client.list({ parent: ended.pid, state: 'waiting' })
    const lives = await family(2)
    const { roots, more } = await findRoots(bench.client, 10)
    expect(roots.map(({ pid }) => pid)).toEqual([lives.pid, processes[0]?.pid])
    expect(more).toBe(false)
    expect(await findRoots(bench.client, 1)).toMatchObject({ roots: [{ pid: lives.pid }], more: true })
  })
})

describe('damson tree', () => {
  it('shows all trees that have not ended, or one; with --json as nested objects', async () => {
    const handle = await family(2)
    const store = ['--store', project.store]
    const all = await damson('tree', ...store)
    expect(all).toMatchObject({ code: 0, stderr: '' })
    expect(all.stdout).toMatch(/^Family \S+ {2}waiting .*\n├─ Word .*\n└─ Word .*\n$/)
    expect((await damson('tree', handle.pid, ...store)).stdout).toBe(all.stdout)
    expect(JSON.parse((await damson('tree', handle.pid, '--json', ...store)).stdout)).toMatchObject({
      pid: handle.pid,
      state: { label: 'waiting' },
      awaited: [expect.any(String)],
      children: [
        { name: 'Word', children: [] },
        { name: 'Word', children: [] },
      ],
    })
    const wide = await family(30)
    expect(JSON.parse((await damson('tree', '--json', ...store)).stdout)).toMatchObject({
      trees: [{ pid: wide.pid, children: null, childrenByState: { waiting: 30 } }, { pid: handle.pid }],
      more: false,
    })
    expect((await damson('tree', '-n', '1', ...store)).stderr).toContain('there are more')
  })
})
