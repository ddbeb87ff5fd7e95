import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ProcessRow } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { create, done, engine, request } from '../persistence/fixtures.ts'
import { damson } from './in-process.ts'
import { Project } from './project.ts'

/*
 * C7: the engine of a killed process is frozen, and the process has had its time. Whoever looks at the process ends it.
 */

let project: Project
let store: SqliteStore
beforeEach(async () => {
  project = new Project()
  store = await SqliteStore.open(project.store)
  await store.join(engine('frozen'))
})
afterEach(async () => {
  await store.close()
  await project[Symbol.asyncDispose]()
})

/** A process that its engine does not end though it was to do so at once. */
async function overdue(parent: string | null = null): Promise<string> {
  const { createdAt: _, ...launch } = create({ claim: 'frozen', state: 'running', seq: 1, parent })
  await done(store, { ...launch, createdAt: Date.now() }, request(launch.pid, 'kill', { grace: 1 }))
  const row = await store.read(launch.pid)
  expect(row).toMatchObject({ state: 'running' })
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(row?.killRequested?.deadline ?? Infinity))
  return launch.pid
}

async function state(pid: string): Promise<ProcessRow['state'] | undefined> {
  return (await store.read(pid))?.state
}

test.each([
  ['list', () => ['list'], /^no process matches; 1 that ended would/],
  ['list of all', () => ['list', '--all'], /Bake +killed/],
  ['list in JSON', () => ['list', '--all', '--json'], /"label": ?"killed"/],
  ['tree of all', () => ['tree'], /^no process is unfinished/],
  ['tree of one', (pid: string) => ['tree', pid], /^Bake \S+ +killed/],
  ['show', (pid: string) => ['show', pid], /^state +killed$/m],
])('a killed process whose time is up is ended, and shown so, by %s', async (_, args, shown) => {
  const pid = await overdue()
  const { stdout, stderr, code } = await damson(...args(pid), '--store', project.store)
  expect(code).toBe(0)
  expect(await state(pid)).toBe('killed')
  expect(stdout).not.toMatch(/running|killing/)
  expect(stdout + stderr).toMatch(shown)
})

test('a tree ends what it shows of children too', async () => {
  const parent = create({ createdAt: Date.now() })
  await done(store, parent)
  const child = await overdue(parent.pid)
  const { stdout } = await damson('tree', parent.pid, '--store', project.store)
  expect(stdout).toMatch(new RegExp(`Bake ${child}.*killed`))
})

test('a history that is followed ends a killed process once its time is up', async () => {
  const { pid } = create()
  await done(store, create({ pid, claim: 'frozen', state: 'running', seq: 1, createdAt: Date.now() }))
  const following = damson('history', pid, '--follow', '--store', project.store)
  await done(store, request(pid, 'kill', { grace: 300 }))
  const { stdout, code } = await following
  expect(code).toBe(0)
  expect(stdout).toMatch(/ killed( |$)/m)
})

test('a kill that has time left is left alone', async () => {
  const { pid } = create({ createdAt: Date.now() })
  await done(store, create({ pid, claim: 'frozen', state: 'running', seq: 1, createdAt: Date.now() }))
  await done(store, request(pid, 'kill', { grace: 60_000 }))
  const { stdout } = await damson('list', '--store', project.store)
  expect(stdout).toContain(pid)
  expect(await state(pid)).toBe('running')
})
