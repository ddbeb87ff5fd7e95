/*
 * An engine in a program of its own, for tests that kill it: opens the store, launches the given processes under keys,
 * says `ready` on its standard output, waits for all of it and its children to end (unless it has to stay) and closes.
 */
import { Client, Engine, type ProcessHandle, type Retention } from '../../src/index.ts'
import { openStore } from '../../src/persistence/open-store.ts'
import { crashAt, type CrashPoint } from '../../src/testing/index.ts'
import * as processes from './processes.ts'

export interface EngineProgram {
  /** A path or a URL. */
  readonly store: string
  /** Class, inputs and key of what is launched. */
  readonly launch?: readonly {
    readonly class: keyof typeof processes
    readonly inputs: object
    readonly key: string
    readonly retention?: Retention
  }[]
  /** Answers given to waits, by key. */
  readonly resume?: readonly { readonly key: string; readonly value: unknown }[]
  /** Signals, by key. */
  readonly signal?: readonly { readonly key: string; readonly name: string; readonly value: unknown }[]
  /** A group of one class, each of whose processes has the same inputs. */
  readonly group?: {
    readonly class: keyof typeof processes
    readonly name: string
    readonly count: number
    readonly chunkSize?: number
    readonly inputs: object
  }
  /** Whether it is a client, which launches the group and ends. */
  readonly client?: boolean
  readonly lease?: number
  readonly concurrency?: number
  readonly crash?: CrashPoint
  /** Stays open until it is signalled. */
  readonly stay?: boolean
}

const task = JSON.parse(process.argv[2] as string) as EngineProgram
const file = await openStore(task.store, { create: true })
const store = task.crash === undefined ? file : crashAt(file, task.crash)
if (task.client === true) await launchAsClient()
const engine = await Engine.open({
  store,
  processes: Object.values(processes),
  ...(task.lease !== undefined && { lease: task.lease }),
  ...(task.concurrency !== undefined && { concurrency: task.concurrency }),
})
const handles = await Promise.all(
  (task.launch ?? []).map(({ class: name, inputs, key, retention }) =>
    engine.launch(name, inputs as Record<string, unknown>, { key, retention }),
  ),
)
for (const { key, value } of task.resume ?? [])
  await once(key, 'resumed', async (handle) => void (await handle.resume(value)))
for (const { key, name, value } of task.signal ?? [])
  await once(key, 'signalled', (handle) => handle.signal(name, value))
if (task.group !== undefined) {
  await launchGroup(engine, task.group)
}
process.stdout.write('ready\n')
if (task.stay !== true) {
  await Promise.all(handles.map((handle) => handle.wait()))
  const children = await engine.list({ state: ['created', 'running'], limit: 1000 })
  await Promise.all(children.processes.map(({ pid }) => engine.handle(pid).wait()))
  await engine.close()
  await file.close()
}

/** Ends the program once the group is launched. */
async function launchAsClient(): Promise<never> {
  const client = await Client.open({ store, processes: Object.values(processes) })
  if (task.group !== undefined) await launchGroup(client, task.group)
  await client.close()
  await file.close()
  process.exit()
}

async function launchGroup(
  client: Client,
  { class: ofClass, name, count, chunkSize, inputs }: NonNullable<EngineProgram['group']>,
): Promise<void> {
  const each = Array.from({ length: count }, () => inputs as Record<string, unknown>)
  await client.launchAll(ofClass, each, { group: name, chunkSize })
}

/** Asks for something, unless a run before has done so already, as the history of the process shows. */
async function once(
  key: string,
  entry: string,
  ask: (handle: ProcessHandle) => Promise<void>,
): Promise<void> {
  const handle = handles[(task.launch ?? []).findIndex((launched) => launched.key === key)]
  if (handle === undefined || (await handle.history()).some(({ name }) => name === entry)) return
  await ask(handle)
}
