import { expect, it } from 'vitest'
import { InvalidStateError, PortValidationError, ProcessLost, ResubmitError } from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Add, Gated, gate } from '../engine/processes.ts'

overEachStore((over) => {
  it('a client waits for engines, and lists those that are alive', async () => {
    const client = await over().client()
    const { clock } = over()
    expect(await client.engines()).toEqual([])
    expect(await client.waitForEngines(1, { timeout: 0 })).toBe(false)
    const late = client.waitForEngines(2, { timeout: '10s' })
    const two = client.waitForEngines(2)
    const first = await over().engine([Gated], { concurrency: 3 })
    const used = await first.launch(Gated, { gate: 'used' })
    await gate('used').reached
    await clock.advance('10s')
    expect(await late).toBe(false)
    expect(await client.engines()).toMatchObject([
      { id: first.id, slots: 3, running: [used.pid], classes: ['Gated'], leaseUntil: expect.any(Date) },
    ])
    await over().engine([Add])
    await clock.advance('1s')
    expect(await two).toBe(true)
    expect(await client.waitForEngines(2)).toBe(true)
    expect(await client.engines()).toHaveLength(2)
  })

  it('a wait for engines ends with its signal, and with the client', async () => {
    const client = await over().client()
    const aborting = new AbortController()
    const waits = [
      client.waitForEngines(1, { signal: aborting.signal }),
      client.waitForEngines(1, { timeout: '1h' }),
    ]
    const settled = Promise.allSettled(waits)
    await over().clock.quiet()
    aborting.abort(new RangeError('enough'))
    await client.close()
    await over().clock.advance('2s')
    expect(await settled).toMatchObject([{ reason: { message: 'enough' } }, { reason: { code: 'CLOSED' } }])
    await expect(
      over()
        .client()
        .then((one) => one.waitForEngines(0)),
    ).rejects.toThrow(RangeError)
  })

  it('a client waits for all that it has launched, and aborts of it what has not begun', async () => {
    const client = await over().client([Add, Gated])
    const other = await over().client([Add])
    expect(await client.barrier()).toBe(true)
    const engine = await over().engine([Gated], { concurrency: 1 })
    const begun = await client.launch(Gated, { gate: 'begun' })
    await gate('begun').reached
    const foreign = await other.launch(Add, { a: 1 })
    const group = await client.launchAll(Add, [{ a: 1 }, { a: 2 }])
    expect(await client.barrier({ timeout: 0 })).toBe(false)
    expect(await client.abort('no more')).toEqual({ aborted: group.pids, running: [begun.pid], done: [] })
    expect(await foreign.refresh()).toMatchObject({ label: 'created' })
    await client.abortAll({ className: 'Add' })
    expect(await foreign.refresh()).toMatchObject({ label: 'killed' })
    const both = client.barrier()
    const lines: string[] = []
    const out = { write: (text: string) => lines.push(text) }
    const shown = client.waitInteractive({ out })
    gate('begun').open()
    expect(await both).toBe(true)
    expect(await shown).toBe(true)
    expect(lines.join('')).toContain('3')
    expect(await engine.barrier()).toBe(true)
    const own = await engine.launch(Gated, { gate: 'begun' })
    expect(await engine.barrier()).toBe(true)
    expect(own.done).toBe(true)
    expect(await engine.abort()).toEqual({ aborted: [], running: [], done: [] })
  })

  it('one process or a list of them is resubmitted, by pids or handles', async () => {
    const engine = await over().engine([Add])
    const handles = [await engine.launch(Add, { a: 1 }), await engine.launch(Add, { a: 2 })]
    const [first, second] = handles as [(typeof handles)[0], (typeof handles)[0]]
    await Promise.all([first.wait(), second.wait()])
    const again = await engine.resubmit(first)
    expect(again.pid).not.toBe(first.pid)
    expect(await again.result()).toEqual({ sum: 2 })
    const group = await engine.resubmit([second, first.pid, first])
    expect(await group.result()).toEqual([{ sum: 3 }, { sum: 2 }, { sum: 2 }])
    expect(new Set([...group.pids, first.pid, second.pid]).size).toBe(5)
    expect(await (await engine.resubmit([])).result()).toEqual([])
    const changed = await engine.resubmit([first, second], { set: { 'inputs.b': 10 } })
    expect(await changed.result()).toEqual([{ sum: 11 }, { sum: 12 }])
  })

  it('none of a list is resubmitted if one of them has not ended, or is not there', async () => {
    const client = await over().client()
    const ended = await client.launch('Nobody', {})
    await ended.kill()
    const open = await client.launch('Nobody', {})
    await expect(client.resubmit([ended, open])).rejects.toThrow(InvalidStateError)
    await expect(client.resubmit([ended, 'gone'])).rejects.toThrow(ProcessLost)
    // @ts-expect-error a number is no process
    await expect(client.resubmit(3)).rejects.toThrow('a list of handles or pids')
    expect((await client.list()).processes).toHaveLength(2)
  })

  it('a list of which the store refuses some names those, and those that were resubmitted', async () => {
    const { store } = over()
    const engine = await over().engine([Add])
    const upstream = await engine.launch(Add, { a: 1 })
    const dependent = await engine.launch(Add, { a: upstream.outputs.ref('sum') })
    const sum = await engine.launch(Add, { a: 2 })
    await Promise.all([dependent.wait(), sum.wait()])
    await store.commit([{ kind: 'prune', pid: upstream.pid }])
    const error = await engine.resubmit([sum, dependent, sum]).catch((caught: unknown) => caught)
    if (!(error instanceof ResubmitError)) throw error
    const { resubmitted, errors, code } = error
    expect([code, errors.map(({ pid }) => pid)]).toEqual(['RESUBMIT', [dependent.pid]])
    expect(errors[0]?.cause).toBeInstanceOf(ProcessLost)
    expect(resubmitted.map(({ from }) => from)).toEqual([sum.pid, sum.pid])
    expect(error.message).toContain(
      `1 of 3 were not resubmitted; the other 2 were, as ${resubmitted[0]?.pid}`,
    )
    const begun = engine.group(resubmitted.map(({ pid }) => pid))
    expect(await begun.result()).toEqual([{ sum: 3 }, { sum: 3 }])
    await expect(engine.resubmit([dependent, dependent])).rejects.toThrow(ProcessLost)
    await expect(engine.resubmit(dependent)).rejects.toThrow(ProcessLost)
    const { processes } = await engine.list()
    expect(processes.filter(({ origin }) => origin !== null)).toHaveLength(2)
  })

  it('none of a list is resubmitted if one of them does not take its changed inputs', async () => {
    const engine = await over().engine([Add])
    const unknown = await engine.launch('Nobody', {})
    await unknown.kill()
    const sum = await engine.launch(Add, { a: 1 })
    await sum.wait()
    const changed = engine.resubmit([unknown, sum], { set: { 'inputs.b': 'ten' } })
    await expect(changed).rejects.toThrow(PortValidationError)
    expect((await engine.list()).processes).toHaveLength(2)
  })
})
