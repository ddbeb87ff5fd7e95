// @module-tag more
import { randomBytes } from 'node:crypto'
import { setTimeout as later } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  Client,
  Engine,
  PersistenceError,
  Process,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { defer } from '../../src/process/state/deferred.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES, PostgresServer } from './server.ts'
import { canMount, SmallDisk } from './small-disk.ts'

/* The disk of a server is full while engines work. */

const LEASE = 4_000
const ROWS = 'damson_test_rows'

/** By process, how often the function of its effect was called. */
const calls = new Map<string, number>()
const gate = { opened: defer<void>() }

/** Its effect and its row are stored after the gate is opened. */
class Held extends Process<typeof Held> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('text', { schema: { type: 'string' } })
      .output('length', { schema: { type: 'integer' } })
  }
  override async run(): Promise<void> {
    await gate.opened.promise
    const length = await this.effect('length', () => {
      calls.set(this.pid, (calls.get(this.pid) ?? 0) + 1)
      return this.inputs.text.length
    })
    await this.transaction('row', async (tx) => {
      if (tx.kind !== 'postgres') throw new Error('the store is on Postgres')
      await tx.query(`INSERT INTO ${ROWS} VALUES ($1, $2)`, [this.pid, this.inputs.text])
    })
    this.out('length', length)
  }
}

const isLeftOut = POSTGRES === undefined || !canMount('the tests on a full disk of a server of Postgres')

describe.skipIf(isLeftOut)('on a server whose disk is full', () => {
  const opened: { close(): Promise<void> | void }[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close()
  })

  async function open(server: PostgresServer): Promise<Engine> {
    opened.push({ close: () => server.remove() })
    server.query(`CREATE TABLE ${ROWS} (pid text, value text)`)
    gate.opened = defer<void>()
    const options = { store: server.url, processes: [Held], lease: LEASE, handleSignals: false }
    const engine = await Engine.open(options)
    opened.push({ close: () => engine.close({ drain: 0 }) })
    return engine
  }

  function smallDisk(megabytes: number): SmallDisk {
    const disk = new SmallDisk(megabytes)
    opened.push({ close: () => disk.remove() })
    return disk
  }

  /** Launches processes of 400 kB each until one is refused, and returns the others and the refusal. */
  async function launchUntilRefused(engine: Engine) {
    const handles: ProcessHandle[] = []
    for (let n = 0; ; n++) {
      // The server can't compress it.
      const text = randomBytes(200_000).toString('hex')
      try {
        handles.push(await engine.launch(Held, { text }))
      } catch (error) {
        return { handles, error }
      }
      if (n > 300) throw new Error('the disk does not become full')
    }
  }

  async function expectAllDone(server: PostgresServer, handles: readonly ProcessHandle[]): Promise<void> {
    const client = await Client.open({ store: server.url, processes: [Held] })
    opened.push(client)
    for (const { pid } of handles) {
      const handle = client.handle(pid)
      const { text } = (await handle.inputs()) as { readonly text: string }
      expect(await handle.outputs.all()).toEqual({ length: text.length })
      expect(calls.get(pid)).toBe(1)
      expect(server.query(`SELECT count(*) FROM ${ROWS} WHERE pid = '${pid}'`)).toBe('1')
      expect((await handle.history()).map(({ name }) => name)).not.toContain('crashed')
    }
  }

  test(
    'C2, C6: a launch is refused with what to do, nothing acknowledged is lost, and all goes on once there is room',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      const disk = smallDisk(128)
      const log = smallDisk(512)
      const server = await PostgresServer.start({ parent: disk.folder, log: log.folder })
      const engine = await open(server)
      const first = await engine.launch(Held, { text: 'first' })
      disk.fill()
      const { handles, error } = await launchUntilRefused(engine)
      expect(error).toBeInstanceOf(PersistenceError)
      expect(String(error)).toMatch(/the disk of the Postgres server is full.*make room/)
      // The steps end, and have to be stored.
      gate.opened.resolve()
      await later(LEASE * 2)
      disk.makeRoom()
      await expectAllDone(server, [first, ...handles])
    },
  )

  test(
    'C2, C6: a server that fails because its log is full loses nothing acknowledged, and all goes on once it runs again',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      const log = smallDisk(64)
      const server = await PostgresServer.start({ log: log.folder })
      const engine = await open(server)
      const first = await engine.launch(Held, { text: 'first' })
      log.fill()
      const { handles, error } = await launchUntilRefused(engine)
      expect(error).toBeInstanceOf(PersistenceError)
      expect(String(error)).toMatch(/the Postgres server cannot be reached|the disk .* is full/)
      gate.opened.resolve()
      await later(LEASE * 2)
      log.makeRoom()
      await server.restart()
      await expectAllDone(server, [first, ...handles])
    },
  )
})
