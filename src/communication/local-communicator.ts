import { ClosedError, TaskRejected, UnroutableError } from '../shared/errors.ts'
import { systemClock } from '../shared/clock.ts'
import { PendingReply } from '../shared/pending-reply.ts'
import { checkText } from '../shared/text.ts'
import {
  isHeard,
  REJECTED_DELAY,
  remoteException,
  remoteText,
  RPC_GOES_ON,
  RPC_TIMEOUT,
  TASK_GOES_ON,
  TASK_TIMEOUT,
} from './contract/answering.ts'
import type { Broadcast } from '../process/host/remote.ts'
import type {
  BroadcastFilter,
  BroadcastOptions,
  BroadcastSubscriber,
  Communicator,
  GroupSubscriber,
  RpcGroup,
  RpcOptions,
  RpcSubscriber,
  TaskOptions,
  TaskSubscriber,
} from './contract/communicator.ts'
import {
  checkFilter,
  checkNewSubscriber,
  checkSent,
  checkSubscriber,
  type SentKind,
} from './contract/checks.ts'
import { messageCopy } from './contract/message-value.ts'
import { OpenRequests } from './contract/open-requests.ts'

interface Member {
  readonly subscriber: GroupSubscriber
  readonly identifiers: Set<string>
}

interface QueuedTask {
  readonly id: string
  readonly task: unknown
  redelivered: boolean
  /** The subscribers that have rejected it since it was queued the last time. */
  readonly rejectedBy: Set<string>
}

/**
 * Carries messages within one program: for tests, and for programs that need no server. Tasks wait
 * in memory for a subscriber.
 */
export class LocalCommunicator implements Communicator {
  readonly #rpcs = new Map<string, RpcSubscriber>()
  readonly #groups = new Map<string, Set<Member>>()
  readonly #takers = new Map<string, TaskSubscriber>()
  readonly #hearers = new Map<
    string,
    { readonly subscriber: BroadcastSubscriber; readonly filter: BroadcastFilter }
  >()
  readonly #requests = new OpenRequests()
  readonly #tasks = new Set<QueuedTask>()
  readonly #delays = new Set<() => void>()
  #isClosed = false

  async rpcSend(recipient: string, message: unknown, options: RpcOptions = {}): Promise<unknown> {
    const sent = this.#sent('rpc', message, options, recipient)
    const answer = this.#answererOf(recipient)
    if (answer === undefined)
      throw new UnroutableError(`no one answers RPCs to ${JSON.stringify(recipient)} here`)
    const id = globalThis.crypto.randomUUID()
    const { timeout = RPC_TIMEOUT } = options
    const answered = this.#requests.open(id, timeout, `an RPC to ${JSON.stringify(recipient)}`, RPC_GOES_ON)
    void this.#answer(id, 'answer', () => answer(sent, recipient))
    return answered
  }

  async taskSend(task: unknown, options: TaskOptions = {}): Promise<unknown> {
    const sent = this.#sent('task', task, options)
    const id = globalThis.crypto.randomUUID()
    const { timeout = TASK_TIMEOUT, noReply = false } = options
    const answered = noReply ? undefined : this.#requests.open(id, timeout, 'a task', TASK_GOES_ON)
    const queued: QueuedTask = { id, task: sent, redelivered: false, rejectedBy: new Set() }
    this.#tasks.add(queued)
    void this.#deliver(queued)
    return answered
  }

  async broadcastSend(body: unknown, options: BroadcastOptions = {}): Promise<void> {
    const sent = this.#sent('broadcast', body, options)
    const { sender = null, subject = null, correlationId = null } = options
    const given = { sender, subject, correlationId }
    const groups = new Set<string>()
    for (const { subscriber, filter } of this.#hearers.values()) {
      if (!isHeard({ body: null, ...given }, filter)) continue
      if (filter.group !== undefined) {
        if (groups.has(filter.group)) continue
        groups.add(filter.group)
      }
      void this.#hear(subscriber, { body: messageCopy(sent, 'body'), ...given })
    }
  }

  async addRpcSubscriber(subscriber: RpcSubscriber, identifier = newIdentifier()): Promise<string> {
    this.#requireOpen()
    checkNewSubscriber(subscriber, identifier, this.#rpcs)
    this.#rpcs.set(identifier, subscriber)
    return identifier
  }

  async removeRpcSubscriber(identifier: string): Promise<void> {
    this.#rpcs.delete(identifier)
  }

  async joinRpcGroup(name: string, subscriber: GroupSubscriber): Promise<RpcGroup> {
    this.#requireOpen()
    checkText('joinRpcGroup: the name', name)
    checkSubscriber(subscriber)
    const members = this.#groups.get(name) ?? new Set()
    this.#groups.set(name, members)
    const member: Member = { subscriber, identifiers: new Set() }
    members.add(member)
    return {
      add: (identifier) => void member.identifiers.add(identifier),
      remove: (identifier) => {
        for (const { identifiers } of members) identifiers.delete(identifier)
      },
      settled: async () => {},
      leave: async () => {
        members.delete(member)
        // What it has added is answered by the rest of the group.
        const [other] = members
        if (other === undefined) this.#groups.delete(name)
        else for (const identifier of member.identifiers) other.identifiers.add(identifier)
      },
    }
  }

  async addTaskSubscriber(subscriber: TaskSubscriber, identifier = newIdentifier()): Promise<string> {
    this.#requireOpen()
    checkNewSubscriber(subscriber, identifier, this.#takers)
    this.#takers.set(identifier, subscriber)
    for (const queued of this.#tasks) void this.#deliver(queued)
    return identifier
  }

  async removeTaskSubscriber(identifier: string): Promise<void> {
    this.#takers.delete(identifier)
  }

  async addBroadcastSubscriber(
    subscriber: BroadcastSubscriber,
    filter: BroadcastFilter = {},
  ): Promise<string> {
    this.#requireOpen()
    checkFilter(filter)
    const { identifier = newIdentifier() } = filter
    checkNewSubscriber(subscriber, identifier, this.#hearers)
    this.#hearers.set(identifier, { subscriber, filter })
    return identifier
  }

  async removeBroadcastSubscriber(identifier: string): Promise<void> {
    this.#hearers.delete(identifier)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#rpcs.clear()
    this.#groups.clear()
    this.#takers.clear()
    this.#hearers.clear()
    this.#tasks.clear()
    for (const cancel of this.#delays) cancel()
    this.#delays.clear()
    this.#requests.rejectAll(new ClosedError('the communicator was closed before the answer came'))
  }

  #sent(kind: SentKind, message: unknown, options: object, recipient?: string): unknown {
    this.#requireOpen()
    checkSent(kind, options, recipient)
    return messageCopy(message, kind === 'broadcast' ? 'body' : kind === 'task' ? 'task' : 'message')
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new ClosedError('this communicator was closed; make another')
  }

  #answererOf(recipient: string): GroupSubscriber | undefined {
    const own = this.#rpcs.get(recipient)
    if (own !== undefined) return own
    for (const members of this.#groups.values())
      for (const { subscriber, identifiers } of members) if (identifiers.has(recipient)) return subscriber
    return undefined
  }

  /** Answers a request by what `work` returns. Never rejects. @throws TaskRejected, of a task */
  async #answer(id: string, path: string, work: () => unknown): Promise<void> {
    try {
      // Not before the sender has got its promise.
      await Promise.resolve()
      const returned = await work()
      const result = returned instanceof PendingReply ? await returned.result : returned
      this.#requests.resolve(id, messageCopy(result, path))
    } catch (error) {
      if (path === 'result' && error instanceof TaskRejected) throw error
      this.#requests.reject(id, remoteException(remoteText(error)))
    }
  }

  async #deliver(queued: QueuedTask): Promise<void> {
    for (const [identifier, subscriber] of this.#takers) {
      if (!this.#tasks.has(queued)) return
      if (queued.rejectedBy.has(identifier)) continue
      // Another delivery must not find it meanwhile.
      this.#tasks.delete(queued)
      const { id, task, redelivered } = queued
      // The next one after it takes the next task.
      this.#takers.delete(identifier)
      this.#takers.set(identifier, subscriber)
      try {
        const context = { id, redelivered, accept: () => {} }
        await this.#answer(id, 'result', () => subscriber(messageCopy(task, 'task'), context))
        return
      } catch {
        queued.rejectedBy.add(identifier)
        queued.redelivered = true
        if (!this.#isClosed) this.#tasks.add(queued)
      }
    }
    if (queued.rejectedBy.size > 0 && this.#tasks.has(queued)) this.#deliverLater(queued)
  }

  #deliverLater(queued: QueuedTask): void {
    const cancel = systemClock.after(REJECTED_DELAY, () => {
      this.#delays.delete(cancel)
      queued.rejectedBy.clear()
      void this.#deliver(queued)
    })
    this.#delays.add(cancel)
  }

  async #hear(subscriber: BroadcastSubscriber, broadcast: Broadcast): Promise<void> {
    try {
      await Promise.resolve()
      await subscriber(broadcast)
    } catch (error) {
      // No one waits for it, and it must not be hidden.
      process.emitWarning(
        `a subscriber of broadcasts failed: ${remoteText(error)}`,
        'DamsonCommunicationWarning',
      )
    }
  }
}

function newIdentifier(): string {
  return globalThis.crypto.randomUUID()
}
