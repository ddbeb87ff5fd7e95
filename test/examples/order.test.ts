import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { untilWaiting } from '../engine/over-stores.ts'
import { compiled } from '../programs/compiled.ts'
import { Order } from '../../examples/order/order.ts'
import { PaymentService, type Entry } from '../../examples/order/payments.ts'
import { Client, Engine, type ProcessHandle, type Store } from '../../src/index.ts'
import { SimulatedClock } from '../../src/testing/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'damson-order-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The money that has really moved. */
function moved(folder: string): string[] {
  return entries(folder)
    .filter(({ what }) => what !== 'outage')
    .map(({ what, amount }) => `${what} ${amount}`)
}

function entries(folder: string): Entry[] {
  return new PaymentService(join(folder, 'payments.jsonl')).entries()
}

describe('an order', () => {
  async function shop(): Promise<{
    folder: string
    clock: SimulatedClock
    store: Store
    order(card?: string): Promise<ProcessHandle<unknown, typeof Order>>
  }> {
    const folder = newFolder()
    const clock = new SimulatedClock()
    const engine = await Engine.open({ store: join(folder, 'shop.db'), processes: [Order], clock })
    onTestFinished(() => engine.close())
    const ledger = join(folder, 'payments.jsonl')
    const order = (card = 'good') => engine.launch(Order, { item: 'a book', amount: 12, card, ledger })
    return { folder, clock, store: engine.store, order }
  }

  it('is shipped when it is approved', async () => {
    const { folder, order, store } = await shop()
    const handle = await order()
    await untilWaiting(store, handle.pid)
    await handle.signal('approval', { approved: true, by: 'Ada' })
    expect(await handle.outputs.all()).toEqual({ payment: 'charge-1', parcel: 'a book, approved by Ada' })
    expect(handle.successful()).toBe(true)
    expect(moved(folder)).toEqual(['charge 12'])
  })

  it('may be approved before it asks for that', async () => {
    const { folder, order } = await shop()
    const handle = await order()
    await handle.signal('approval', { approved: true, by: 'Ada' })
    expect(await handle.outputs.all()).toHaveProperty('parcel', 'a book, approved by Ada')
    expect(moved(folder)).toEqual(['charge 12'])
  })

  it('is refunded when it is refused', async () => {
    const { folder, order } = await shop()
    const handle = await order()
    await handle.signal('approval', { approved: false, by: 'Grace' })
    expect((await handle.wait())?.exitCode).toEqual({
      code: 320,
      label: 'ERROR_REFUSED',
      message: 'Grace refused the order; 12 € were refunded',
    })
    expect(await handle.outputs.snapshot()).toEqual({ payment: 'charge-1', refund: 'refund-2' })
    expect(moved(folder)).toEqual(['charge 12', 'refund 12'])
  })

  it('is refunded when nobody has approved it for three days', async () => {
    const { folder, clock, order, store } = await shop()
    const handle = await order()
    await untilWaiting(store, handle.pid)
    await clock.advance('71h')
    expect((await handle.refresh()).label).toBe('waiting')
    await clock.advance('1h')
    expect((await handle.wait())?.exitCode?.message).toBe('nobody approved it within 3d; 12 € were refunded')
    expect(moved(folder)).toEqual(['charge 12', 'refund 12'])
  })

  it('costs nothing where the card is declined', async () => {
    const { folder, order } = await shop()
    const handle = await order('declined')
    expect((await handle.wait())?.exitCode?.message).toBe(
      'the payment of 12 € was declined: the card has expired',
    )
    expect(moved(folder)).toEqual([])
  })

  it('is paid once though the service was down and did not answer (C6)', async () => {
    const { folder, clock, order, store } = await shop()
    const handle = await order('unreliable')
    for (const attempt of [1, 2]) {
      await untilWaiting(store, handle.pid)
      expect(await handle.explain()).toContain(`pay failed ${attempt} of 5`)
      await clock.advance('10m')
    }
    await handle.signal('approval', { approved: true, by: 'Ada' })
    expect(await handle.outputs.all()).toHaveProperty('parcel', 'a book, approved by Ada')
    expect(moved(folder)).toEqual(['charge 12'])
    const keys = entries(folder).map(({ key }) => key)
    expect(new Set(keys).size).toBe(1)
  })
})

describe('its programs', () => {
  it('survive kill -9 when the money has moved and nobody here knows it, and take it once (C6, C11)', async () => {
    const folder = newFolder()
    const first = start('run.ts', folder)
    // The service has written it down, and takes some time to answer.
    await paid(folder)
    first.kill('SIGKILL')
    await once(first, 'exit')

    const second = start('run.ts', folder)
    const client = await Client.open({ store: join(folder, 'shop.db') })
    onTestFinished(() => client.close())
    const [order] = (await client.list()).processes
    const pid = order?.pid ?? ''
    await untilWaiting(client.store, pid)
    second.kill('SIGKILL')
    await once(second, 'exit')

    // While no program runs it.
    const approval = start('approve.ts', pid, 'yes', 'Ada', folder)
    expect(await output(approval)).toBe('Ada said yes\n')

    expect(await output(start('run.ts', folder))).toBe(
      `order 17 is process ${pid}\npayment: charge-1, refund: none, parcel: a book, approved by Ada\n`,
    )
    expect(moved(folder)).toEqual(['charge 12'])
    const names = (await client.history(pid)).map(({ name }) => name)
    expect(names.filter((name) => name === 'effect')).toHaveLength(1)
  }, 120_000)

  function start(program: string, ...args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [compiled(`examples/order/${program}`), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }

  async function output(child: ChildProcess): Promise<string> {
    let text = ''
    child.stdout?.on('data', (data: Buffer) => (text += String(data)))
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(0)
    return text
  }

  /** Resolves as soon as the ledger has a payment. */
  async function paid(folder: string): Promise<void> {
    const watcher = watch(folder)
    try {
      while (moved(folder).length === 0) await once(watcher, 'change')
    } finally {
      watcher.close()
    }
  }
})
