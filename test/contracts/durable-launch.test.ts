import { expect, onTestFinished, test } from 'vitest'
import { Client, Engine } from '../../src/index.ts'
import { Add, closeGates, Gated } from '../engine/processes.ts'
import { aPath, openSqlite, slow } from './stores.ts'

for (const who of ['a client', 'an engine', 'an engine without a free slot'] as const) {
  test(`C2: a launch by ${who} resolves once the row is durable`, async () => {
    const path = await aPath()
    const happened: string[] = []
    const store = slow(await openSqlite(path), () => happened.push('durable'))
    const options = { store, processes: [Add, Gated] }
    const launcher =
      who === 'a client'
        ? await Client.open(options)
        : await Engine.open({ ...options, concurrency: 1, handleSignals: false })
    onTestFinished(async () => {
      closeGates()
      await launcher.close()
    })
    if (who === 'an engine without a free slot') await launcher.launch(Gated, { gate: 'before' })
    happened.length = 0
    const handle = await launcher.launch(Gated, { gate: 'launched' })
    happened.push('launched')
    expect(happened).toEqual(['durable', 'launched'])
    // Another program sees it too.
    expect(await (await openSqlite(path)).read(handle.pid)).toMatchObject({ className: 'Gated' })
  })
}

for (const kind of ['restart', 'resubmit'] as const) {
  test(`C2: a ${kind} resolves once the row of the new process is durable`, async () => {
    const path = await aPath()
    const happened: string[] = []
    const client = await Client.open({ store: slow(await openSqlite(path), () => happened.push('durable')) })
    onTestFinished(() => client.close())
    const old = await client.launch('Add', { a: 1 })
    await old.kill()
    happened.length = 0
    const { pid } = await client[kind](old.pid)
    happened.push('begun again')
    expect(happened).toEqual(['durable', 'begun again'])
    expect(await (await openSqlite(path)).read(pid)).toMatchObject({ origin: { pid: old.pid, kind } })
  })
}
