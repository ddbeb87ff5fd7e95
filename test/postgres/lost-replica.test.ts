// @module-tag more
import { setTimeout as later } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Engine, Process, type Logger, type ProcessSpec } from '../../src/index.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES, PostgresServer } from './server.ts'

/* The server waits for a synchronous replica that is gone: it answers reads, and no commit. */

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('a', { schema: { type: 'integer' } }).output('sum', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    const one = await this.effect('one', () => this.inputs.a + 1)
    await this.sleep('pause', 50)
    this.out('sum', await this.transaction('two', () => one + 1))
  }
}

describe.skipIf(POSTGRES === undefined)('a synchronous replica that is gone', () => {
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  test(
    'holds up commits, which do not pile up on the server, is named, and holds up nothing once it is back',
    { ...HAS_MORE, timeout: 110_000 },
    async () => {
      const server = await PostgresServer.start()
      opened.push({ close: () => server.remove() })
      const replica = await server.synchronousReplica()
      opened.push({ close: () => replica.remove() })
      const lines: string[] = []
      const log = (facts: unknown, text?: string): void => {
        const { err } = facts as { readonly err?: unknown }
        lines.push(`${text}: ${err instanceof Error ? err.message : ''}`)
      }
      const logger: Logger = { debug: () => {}, info: () => {}, warn: log, error: log }
      const engines: Engine[] = []
      for (const _ of [1, 2]) {
        const engine = await Engine.open({
          store: server.url,
          processes: [Add],
          lease: 2_000,
          logger,
          handleSignals: false,
        })
        opened.push({ close: () => engine.close({ drain: 0 }) })
        engines.push(engine)
      }
      const [engine] = engines as [Engine]
      expect(await engine.execute(Add, { a: 1 })).toEqual({ sum: 3 })
      const running = []
      for (let a = 0; a < 20; a++) running.push(await engine.launch(Add, { a }))

      await replica.stopImmediately()
      let isBack = false
      const comeBack = async (): Promise<void> => {
        if (!isBack) await replica.start()
        isBack = true
      }
      // Nothing can be closed before.
      opened.push({ close: comeBack })
      const refused: unknown[] = []
      const acknowledged: string[] = []
      const over = new AbortController()
      const launching = engines.map(async (one) => {
        for (let a = 0; !over.signal.aborted; a++)
          await one.launch(Add, { a }).then(
            ({ pid }) => acknowledged.push(pid),
            (error: unknown) => refused.push(error),
          )
      })
      const waiting = (): number =>
        Number(server.query("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'damson%'"))
      // Each engine has some connections, and gives some up before it knows why they are silent.
      let most = 0
      const end = Date.now() + 60_000
      while (Date.now() < end && refused.length === 0) {
        most = Math.max(most, waiting())
        expect(most).toBeLessThanOrEqual(34)
        await later(500)
      }
      expect(refused).not.toEqual([])
      for (const error of refused) expect(String(error)).toContain('waits for a synchronous replica')
      expect(lines.join('\n')).toContain('waits for a synchronous replica')
      const before = acknowledged.length

      await comeBack()
      await expect.poll(() => acknowledged.length, { timeout: 60_000 }).toBeGreaterThan(before + 5)
      over.abort()
      await Promise.all(launching)
      for (const [a, handle] of running.entries()) expect(await handle.outputs.all()).toEqual({ sum: a + 2 })
      for (const pid of acknowledged) await engine.handle(pid).result()
      for (const { pid } of (await engine.list({ limit: 1_000 })).processes) {
        const names = (await engine.history(pid)).map(({ name }) => name)
        expect(names).not.toContain('crashed')
      }
      await expect.poll(waiting, { timeout: 60_000 }).toBeLessThanOrEqual(28)
    },
  )
})
