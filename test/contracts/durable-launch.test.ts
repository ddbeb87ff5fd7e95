import { expect, onTestFinished, test } from 'vitest'
import { Client, Engine } from '../../src/index.ts'
import { Add, closeGates, Gated } from '../engine/processes.ts'
import { aPath, openSqlite, slow } from './stores.ts'

for (const who of ['a client', 'an engine'] as const) {
  test(`C2: a launch by ${who} resolves once the row is durable`, async () => {
    const path = await aPath()
    const happened: string[] = []
    const store = slow(await openSqlite(path), () => happened.push('durable'))
    const options = { store, processes: [Add, Gated] }
    const launcher =
      who === 'a client'
        ? await Client.open(options)
        : await Engine.open({ ...options, handleSignals: false })
    onTestFinished(async () => {
      closeGates()
      await launcher.close()
    })
    const handle = await launcher.launch(Gated, { gate: 'launched' })
    happened.push('launched')
    expect(happened).toEqual(['durable', 'launched'])
    // Another program sees it too.
    expect(await (await openSqlite(path)).read(handle.pid)).toMatchObject({ className: 'Gated' })
  })
}
