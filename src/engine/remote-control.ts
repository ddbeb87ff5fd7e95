import type { Communicator, RpcGroup } from '../communication/contract/communicator.ts'
import type { ClientParts } from '../client/client-parts.ts'
import type { Change, ProcessRow } from '../persistence/contract/rows.ts'
import { definitionOf } from '../process/definition/process-definition.ts'
import { concrete } from '../process/host/construction.ts'
import type { Host } from '../process/host/host.ts'
import {
  broadcastRequest,
  remoteRequest,
  statusReply,
  type Broadcast,
  type RemoteControlRequest,
} from '../process/host/remote.ts'
import type { ProcessObject } from '../process/host/process-object.ts'
import { processText } from '../process/state/process-text.ts'
import { UNFINISHED_STATES } from '../process/state/machine.ts'
import { noContext } from '../process/step/current-process.ts'
import { ProcessLost } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { PendingReply } from '../shared/pending-reply.ts'
import type { Executions } from './executions.ts'
import { revived } from './revive.ts'
import { ServedProcesses } from './served-processes.ts'

/** The most broadcasts in flight. Further ones are dropped: a broadcast is a hint. */
const MOST_ON_THEIR_WAY = 10_000

/** The collaborators of the remote control, all built before it. */
export interface RemoteParts {
  readonly communicator: Communicator
  readonly engine: { readonly id: string; readonly name: string }
  readonly client: ClientParts
  readonly executions: Executions
  readonly host: Host
}

/**
 * The processes of a store as others see them over a communicator. The store is the truth: a request is
 * stored before it is answered (C7), and messages are hints (C1).
 *
 * 1. All engines of a store that share a carrier form one group. One of them answers each RPC and
 *    receives each broadcast, for all processes of the store, whether an engine runs them or not.
 * 2. An engine broadcasts the changes that it has written, and those of clients.
 * 3. A lost connection aborts nothing.
 */
export class RemoteControl {
  readonly #parts: RemoteParts
  readonly #logger: Logger
  #group: RpcGroup | undefined
  #served: ServedProcesses | undefined
  #subscription: string | undefined
  #onTheirWay = 0
  #isFailing = false
  /** Broadcasts to the store are handled one after the other. */
  #hearing: Promise<void> = Promise.resolve()

  constructor(parts: RemoteParts) {
    this.#parts = parts
    this.#logger = parts.client.logger
  }

  /** Begins to answer RPCs and to receive broadcasts. @throws CommunicationError */
  async start(): Promise<void> {
    const { communicator, client } = this.#parts
    const name = `damson-${client.store.id}`
    this.#group = await communicator.joinRpcGroup(name, (message, pid) => this.#answer(pid, message))
    this.#served = new ServedProcesses(client.store, this.#group, this.#logger)
    this.#subscription = await communicator.addBroadcastSubscriber((broadcast) => this.#hear(broadcast), {
      group: name,
      subject: /^(?!state_changed)/,
    })
  }

  /** Reads which processes there are. Call it once changes are noted. */
  async learn(): Promise<void> {
    await this.#served?.learn()
  }

  /** Notes a change that this or another program has committed. */
  note(change: Change): void {
    const moved = this.#served?.note(change)
    if (moved === undefined || !this.#isOurs(change.by)) return
    this.#broadcast(moved.pid, `state_changed.${moved.from ?? 'None'}.${moved.to}`)
  }

  /** Some changes can't be read any more. */
  catchUp(): void {
    this.learn().catch((error: unknown) => {
      this.#logger.error({ err: error }, 'the processes of the store could not be read')
    })
  }

  /** Stops answering and receiving. */
  async stop(): Promise<void> {
    const { communicator } = this.#parts
    try {
      await this.#served?.stop()
      await this.#group?.leave()
      if (this.#subscription !== undefined) await communicator.removeBroadcastSubscriber(this.#subscription)
      await this.#hearing
    } catch (error) {
      this.#logger.warn({ err: error }, 'the engine could not unsubscribe from its communicator')
    }
  }

  /** Whether a change was written by this engine, by a client, or without an author. */
  #isOurs(by: string | null): boolean {
    const { id, name } = this.#parts.engine
    return by === null || by === id || by === name || by.startsWith('client ')
  }

  #broadcast(sender: string, subject: string): void {
    if (this.#onTheirWay >= MOST_ON_THEIR_WAY) {
      this.#failed(new Error(`${MOST_ON_THEIR_WAY} broadcasts are on their way already`))
      return
    }
    this.#onTheirWay++
    this.#parts.communicator
      .broadcastSend(null, { sender, subject })
      .then(
        () => {
          this.#isFailing = false
        },
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        this.#onTheirWay--
      })
  }

  /** Logs the first of several failures in a row. */
  #failed(error: unknown): void {
    if (this.#isFailing) return
    this.#isFailing = true
    this.#logger.warn({ err: error }, 'changes of state could not be broadcast; the processes continue')
  }

  async #answer(pid: string, message: unknown): Promise<unknown> {
    const row = await this.#parts.client.rows.read(pid)
    if (row === undefined) throw new ProcessLost(pid, `there is no process ${pid} in this store`)
    const own = this.#definition(row)?.answersMessages === true ? await this.#object(row) : undefined
    if (own !== undefined) return own.messageReceive(message)
    const request = remoteRequest(message)
    if (request.kind !== 'status') return new PendingReply(this.#ask(pid, request))
    const { createdAt, className, state } = row
    const paused = row.paused !== null
    return statusReply({
      createdAt,
      paused,
      state,
      processString: processText(className, pid, state, paused),
    })
  }

  #ask(pid: string, request: RemoteControlRequest): Promise<boolean> {
    const handle = this.#parts.client.handle(pid, '')
    switch (request.kind) {
      case 'pause':
        return handle.pause(request.message)
      case 'kill':
        return handle.kill(request.message, { force: request.force })
      default:
        return handle.play()
    }
  }

  #hear(broadcast: Broadcast): Promise<void> {
    return (this.#hearing = this.#hearing.then(async () => {
      try {
        await this.#hearNow(broadcast)
      } catch (error) {
        const { subject } = broadcast
        this.#logger.error({ err: error, subject }, 'a broadcast could not be carried out')
      }
    }))
  }

  async #hearNow(broadcast: Broadcast): Promise<void> {
    const { classes, bulk } = this.#parts.client
    const own = [...classes].flatMap(([name, one]) =>
      definitionOf(concrete(one)).hearsBroadcasts ? [name] : [],
    )
    const request = broadcastRequest(broadcast)
    if (own.length === 0) {
      if (request?.kind === 'play') await bulk.play({}, true)
      else if (request !== undefined) await bulk.request({}, request)
      return
    }
    const filters = request === undefined ? own.map((className) => ({ className })) : [{}]
    for (const filter of filters)
      await bulk.eachPage({ ...filter, state: UNFINISHED_STATES }, async (rows) => {
        for (const row of rows) await this.#hearAs(row, broadcast, request)
      })
  }

  /** Passes a broadcast to one process. An error of one process does not affect the others. */
  async #hearAs(
    row: ProcessRow,
    broadcast: Broadcast,
    request: RemoteControlRequest | undefined,
  ): Promise<void> {
    const { pid } = row
    try {
      const own = this.#definition(row)?.hearsBroadcasts === true ? await this.#object(row) : undefined
      if (own !== undefined) await own.broadcastReceive(broadcast)
      else if (request !== undefined) await this.#ask(pid, request)
    } catch (error) {
      this.#logger.error({ err: error, pid }, 'a process could not handle a broadcast')
    }
  }

  #definition(row: ProcessRow): ReturnType<typeof definitionOf> | undefined {
    const known = this.#parts.client.classes.find(row.className)
    return known && definitionOf(concrete(known))
  }

  /**
   * The object that runs here, or one made from the saved process; undefined for a process that
   * can't be made before its upstream processes have ended.
   */
  async #object(row: ProcessRow): Promise<ProcessObject | undefined> {
    const { client, executions, host } = this.#parts
    const execution = executions.find(row.pid)
    if (execution !== undefined && !execution.lost && !execution.over) return execution.process.process
    const stored = await client.store.load(row.pid)
    if (stored === undefined || stored.row.upstream !== null) return undefined
    const { logger, classes } = client
    return noContext(() => revived(stored, { host, logger, classes })).process
  }
}
