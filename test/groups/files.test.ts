import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Client, MemoryStore, PersistenceError } from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Add } from '../engine/processes.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'damson-groups-'))
  onTestFinished(() => rm(folder, { recursive: true }))
})

overEachStore((over) => {
  it('another program opens a saved group and a saved handle, and reads the results from the store', async () => {
    const engine = await over().engine([Add])
    const handles = [await engine.launch(Add, { a: 1 }), await engine.launch(Add, { a: 2 })]
    const group = engine.group(handles, { name: 'sums', ordered: false })
    const path = join(folder, 'new', 'folders', 'group.json')
    expect(await group.save(path)).toBe(path)
    const handlePath = await handles[0]?.save(join(folder, 'one.json'))
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      version: 1,
      name: 'sums',
      store: engine.store.id,
      pids: group.pids,
      ordered: false,
    })
    const client = await over().client()
    const opened = await client.openGroup(path)
    expect(opened).toMatchObject({ name: 'sums', ordered: false, pids: group.pids })
    expect(await opened.result()).toEqual([{ sum: 2 }, { sum: 3 }])
    const handle = await client.openHandle(handlePath ?? '')
    expect(handle).toBe(client.handle(group.pids[0] as string))
    expect(await handle.result()).toEqual({ sum: 2 })
    // A file is replaced as a whole, and nothing else is left in the folder.
    await group.slice(1).save(path)
    expect((await client.openGroup(path)).pids).toEqual([group.pids[1]])
    expect(await readdir(join(folder, 'new', 'folders'))).toEqual(['group.json'])
  })
})

describe('a saved reference', () => {
  let client: Client
  beforeEach(async () => {
    client = await Client.open({ store: new MemoryStore() })
    onTestFinished(() => client.close())
  })

  async function file(content: unknown): Promise<string> {
    const path = join(folder, 'file.json')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const valid = () => ({ version: 1, name: 'g', store: client.store.id, pids: ['a'], ordered: true })

  it('goes to a new file in the working folder by default', async () => {
    const before = process.cwd()
    process.chdir(folder)
    onTestFinished(() => process.chdir(before))
    const [one, other] = [await client.group(['a']).save(), await client.handle('a').save()]
    expect((await readdir(folder)).toSorted()).toEqual(
      [one, other].map((path) => path.slice(path.lastIndexOf('/') + 1)).toSorted(),
    )
    expect(one).toMatch(/\/future-[0-9a-f]{32}\.json$/)
    expect((await client.openGroup(one)).pids).toEqual(['a'])
    expect((await client.openHandle(other)).pid).toBe('a')
  })

  it.each<[string, (path: string) => Promise<unknown>, unknown, string]>([
    ['that is no JSON', (path) => client.openGroup(path), '{ "version"', 'is not JSON'],
    ['that is a list', (path) => client.openGroup(path), [], 'it is not an object'],
    [
      'of a newer release',
      (path) => client.openGroup(path),
      { version: 2, more: 1 },
      'its field version is 2, but this release reads version 1',
    ],
    ['without a version', (path) => client.openGroup(path), { pids: [] }, 'its field version is missing'],
    ['of one process', (path) => client.openGroup(path), { version: 1, pid: 'a' }, 'open it with openHandle'],
    ['of a group', (path) => client.openHandle(path), { version: 1, pids: [] }, 'open it with openGroup'],
    [
      'of another store',
      (path) => client.openHandle(path),
      { version: 1, store: 'far', pid: 'a' },
      'refers to processes of the store far',
    ],
    [
      'with a wrong pid',
      (path) => client.openHandle(path),
      { version: 1, store: 's', pid: '' },
      'its field pid must not be empty',
    ],
  ])('%s is refused', async (_, open, content, message) => {
    const path = await file(content)
    await expect(open(path)).rejects.toThrow(PersistenceError)
    await expect(open(path)).rejects.toThrow(path)
    await expect(open(path)).rejects.toThrow(message)
  })

  it('with an unknown, a missing or a wrong field is refused', async () => {
    const { ordered, ...rest } = valid()
    for (const [content, message] of [
      [{ ...valid(), colour: 'red' }, 'it has an unknown field colour'],
      [rest, 'its field ordered is missing'],
      [{ ...rest, ordered: 'yes' }, 'its field ordered must be true or false, not "yes"'],
      [{ ...rest, ordered, pids: 'a' }, 'its field pids must be a list of pids, not "a"'],
      [{ ...rest, ordered, pids: ['a', 3] }, 'its field pids has at position 1 no pid'],
      [{ ...valid(), store: 'far' }, `but this is the store ${client.store.id}`],
    ] as const)
      await expect(client.openGroup(await file(content))).rejects.toThrow(message)
    expect((await client.openGroup(await file(valid()))).pids).toEqual(['a'])
  })

  it('that is not there, or cannot be written, is named in the error', async () => {
    const path = join(folder, 'none.json')
    await expect(client.openGroup(path)).rejects.toThrow(
      `there is no file ${path}: openGroup takes the path that group.save() returned`,
    )
    await expect(client.openGroup(path)).rejects.toThrow(PersistenceError)
    await expect(client.openHandle(path)).rejects.toThrow(`there is no file ${path}: openHandle takes`)
    await expect(client.openGroup(folder)).rejects.toThrow(`${folder} could not be read`)
    await writeFile(join(folder, 'file'), '')
    const below = join(folder, 'file', 'below.json')
    await expect(client.group([]).save(below)).rejects.toThrow(`${below} could not be written`)
    await expect(client.group([]).save(folder)).rejects.toThrow(PersistenceError)
    expect(await readdir(folder)).toEqual(['file'])
    await expect(client.group([]).save('')).rejects.toThrow('save: the path must not be empty')
    // @ts-expect-error a path is text
    await expect(client.openHandle(3)).rejects.toThrow('openHandle: the path must be text')
    await expect(client.openGroup('')).rejects.toThrow(TypeError)
  })
})
