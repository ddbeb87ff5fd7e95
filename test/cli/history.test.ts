import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/index.ts'
import { damson, type Ended } from './in-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'damson-history-'))
const store = join(folder, 'store.db')
let client: Client

beforeAll(async () => {
  client = await Client.open({ store, create: true })
  const handle = await client.launch('Nobody', {}, { pid: 'long' })
  for (let index = 0; index < 60; index++) await handle.signal(`number ${index}`)
})
afterAll(async () => {
  await client.close()
  rmSync(folder, { recursive: true })
})

const run = (...args: readonly string[]): Promise<Ended> => damson('history', ...args, '--store', store)

/** The lines of a time line, less its heading and what depends on the time. */
function events({ stdout }: Ended): string[] {
  const [heading, ...lines] = stdout.trimEnd().split('\n')
  expect(heading).toMatch(/^TIME .* WHAT/)
  return lines.map((line) => /(created|signal number \d+|killed)/.exec(line)?.[1] ?? line)
}

describe('damson history', () => {
  it('shows everything, or only the newest events', async () => {
    const all = await run('long')
    expect(all.code).toBe(0)
    expect(events(all)).toHaveLength(61)
    expect(events(all)[0]).toBe('created')
    const newest = await run('long', '--limit', '2')
    expect(newest.stdout.split('\n')[1]).toContain('number 58')
    expect(events(newest)).toHaveLength(2)
    expect(await run('long', '--limit', '0')).toMatchObject({ code: 2 })
    const json = JSON.parse((await run('long', '--limit', '3', '--json')).stdout) as { n: number }[]
    expect(json.map(({ n }) => n)).toEqual([59, 60, 61])
  })

  it('of more events than are read at a time has each of them once, below one heading', async () => {
    const handle = await client.launch('Nobody', {}, { pid: 'longer' })
    const sent = 2_100
    await Promise.all(Array.from({ length: sent }, (_, index) => handle.signal(`number ${index}`)))
    const names = events(await run('longer'))
    expect(names).toEqual(['created', ...Array.from({ length: sent }, (_, n) => `signal number ${n}`)])
    expect(events(await run('longer', '--limit', '1500'))).toEqual(names.slice(-1_500))
  })

  it('has the author of each event below one heading', async () => {
    const [heading = '', creation = '', ...signals] = (await run('long')).stdout.trimEnd().split('\n')
    expect(creation).toContain('created')
    for (const line of signals) expect(line.indexOf('client')).toBe(heading.indexOf('BY'))
  })

  it.each([
    ['in lines', [], (out: string) => expect(out.match(/^TIME/gm)).toHaveLength(1)],
    ['in JSON', ['--json'], (out: string) => expect(out.trim().split('\n').map(nameIn)).toEqual(EVENTS)],
  ])('follows a process to its end, %s', async (form, options, check) => {
    const handle = await client.launch('Nobody', {}, { pid: `followed ${form}` })
    const following = run(handle.pid, '--follow', ...options)
    await handle.signal('number 1')
    await handle.kill('enough')
    const { code, stdout } = await following
    expect(code).toBe(0)
    for (const name of EVENTS)
      expect(stdout.split('\n').filter((line) => line.includes(name))).toHaveLength(1)
    check(stdout)
  })
})

const EVENTS = ['created', 'signal', 'killed']

function nameIn(line: string): string | undefined {
  const { name } = JSON.parse(line) as { readonly name: string }
  return EVENTS.find((event) => name.startsWith(event))
}
