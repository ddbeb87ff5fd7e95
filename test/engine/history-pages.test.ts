import { expect, test } from 'vitest'
import { Process, type EventRecord } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { Add } from './processes.ts'

overEachStore((over) => {
  test('a history is read by pages, or from its end, by client and handle alike', async () => {
    const client = await over().client()
    const handle = await client.launch('Nobody', {})
    for (let index = 1; index <= 8; index++) await handle.signal(`number ${index}`)
    const all = await client.history(handle.pid)
    expect(all.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    const pages: EventRecord[] = []
    for (let page = await handle.history({ limit: 4 }); page.length > 0;) {
      pages.push(...page)
      page = await handle.history({ after: pages.at(-1)?.n, limit: 4 })
    }
    expect(pages).toEqual(all)
    expect(await client.history(handle.pid, { last: 2 })).toEqual(all.slice(-2))
    expect(await handle.history({ last: 100 })).toEqual(all)
    expect(await handle.history({ after: 9 })).toEqual([])
  })

  test('options that no history has are refused', async () => {
    const client = await over().client()
    const { pid } = await client.launch('Nobody', {})
    for (const options of [{ limit: 0 }, { last: 1.5 }, { after: -1 }])
      await expect(client.history(pid, options)).rejects.toThrow(RangeError)
    await expect(client.history(pid, { last: 1, limit: 1 })).rejects.toThrow(/`last` reads from the end/)
    await expect(client.history(pid, { first: 1 } as object)).rejects.toThrow(/first/)
  })
})

test('the history of a child in memory is read by pages too', async () => {
  class Asks extends Process<typeof Asks> {
    override async run(): Promise<unknown> {
      const child = await this.launch(Add, { a: 1 })
      await child.wait()
      const all = await child.history()
      expect(await child.history({ after: 1, limit: 1 })).toEqual(all.slice(1, 2))
      expect(await child.history({ last: 1 })).toEqual(all.slice(-1))
      return all.map(({ n }) => n)
    }
  }
  const asks = new Asks()
  await asks.execute()
  expect(asks.result()).toEqual([1, 2, 3])
})
