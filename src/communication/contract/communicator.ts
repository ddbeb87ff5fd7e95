import type { Broadcast } from '../../process/host/remote.ts'
import type { Duration } from '../../shared/duration.ts'

/**
 * Carries messages between programs: RPCs to one recipient, tasks to any one of several workers, and
 * broadcasts to all. `LocalCommunicator` carries them within a program, and `RabbitCommunicator` of
 * `damson/rabbitmq` over a RabbitMQ server, in the format of Python's kiwipy.
 *
 * Messages are copied: a subscriber gets plain JSON values, and numbers such as NaN.
 */
export interface Communicator {
  /**
   * Sends an RPC, and resolves to what the recipient answers.
   *
   * @throws UnroutableError at once if no one answers under this recipient
   * @throws RemoteException with the text of the error that the recipient threw
   * @throws ResponseTimeout if no answer has come within the time limit
   * @throws SerializationError for a message that can't be sent
   */
  rpcSend(recipient: string, message: unknown, options?: RpcOptions): Promise<unknown>
  /**
   * Queues a task for one of the task subscribers, and resolves to what that subscriber returns.
   * With `noReply` it resolves to undefined once the task is queued.
   *
   * @throws RemoteException with the text of the error that the subscriber threw
   * @throws ResponseTimeout if no result has come within the time limit; the task stays queued
   * @throws SerializationError for a task that can't be sent
   */
  taskSend(task: unknown, options?: TaskOptions): Promise<unknown>
  /**
   * Sends a message to all broadcast subscribers. Resolves once it is on its way. No one answers, and
   * a subscriber that is not connected misses it.
   */
  broadcastSend(body: unknown, options?: BroadcastOptions): Promise<void>
  /**
   * Answers RPCs under the identifier; by default under a new one. Resolves to the identifier.
   *
   * @throws DuplicateSubscriber if this communicator already answers under it
   */
  addRpcSubscriber(subscriber: RpcSubscriber, identifier?: string): Promise<string>
  /** Ends it. Does nothing for an unknown identifier. */
  removeRpcSubscriber(identifier: string): Promise<void>
  /**
   * Answers RPCs under many identifiers, together with all members of the group of the same name,
   * in any program: one of them answers each RPC to an identifier that any of them has added.
   */
  joinRpcGroup(name: string, subscriber: GroupSubscriber): Promise<RpcGroup>
  /** Takes tasks. Resolves to the identifier. @throws DuplicateSubscriber */
  addTaskSubscriber(subscriber: TaskSubscriber, identifier?: string): Promise<string>
  /** Ends it. Tasks that are being handled are still answered. */
  removeTaskSubscriber(identifier: string): Promise<void>
  /** Receives broadcasts. Resolves to the identifier. @throws DuplicateSubscriber */
  addBroadcastSubscriber(subscriber: BroadcastSubscriber, options?: BroadcastFilter): Promise<string>
  /** Ends it. */
  removeBroadcastSubscriber(identifier: string): Promise<void>
  /**
   * Ends all subscriptions. Pending RPCs and tasks reject with `ClosedError`. A second call joins
   * the first.
   */
  close(): Promise<void>
}

/** Options of `rpcSend`. */
export interface RpcOptions {
  /** How long to wait for the answer. Default one minute. */
  readonly timeout?: Duration | undefined
}

/** Options of `taskSend`. */
export interface TaskOptions {
  /** How long to wait for the result. Default one hour. */
  readonly timeout?: Duration | undefined
  /** Whether no result is wanted. Default false. */
  readonly noReply?: boolean | undefined
}

/** Options of `broadcastSend`. */
export interface BroadcastOptions {
  /** The sender, for example a pid. */
  readonly sender?: string | number | undefined
  /** The subject. Subscribers filter by it. */
  readonly subject?: string | undefined
  readonly correlationId?: string | number | undefined
}

/** Which broadcasts a subscriber receives, and under which identifier. */
export interface BroadcastFilter {
  readonly identifier?: string | undefined
  /**
   * Only broadcasts whose subject matches this expression, or equals this text. A broadcast without
   * a subject has the empty one.
   */
  readonly subject?: string | RegExp | undefined
  /**
   * Subscribers of one group share the broadcasts, also those of other programs: one of them gets
   * each.
   */
  readonly group?: string | undefined
}

/**
 * Answers an RPC: returns the answer, or throws. A `PendingReply` notifies the caller that the request
 * is accepted before its answer is known.
 */
export type RpcSubscriber = (message: unknown) => unknown
/** As `RpcSubscriber`, with the identifier that the RPC was sent to. */
export type GroupSubscriber = (message: unknown, recipient: string) => unknown
/**
 * Handles a task: returns its result, or throws. A `TaskRejected` leaves the task to another
 * subscriber.
 */
export type TaskSubscriber = (task: unknown, context: TaskContext) => unknown
/** Hears broadcasts. What it returns is ignored; what it throws is reported. */
export type BroadcastSubscriber = (broadcast: Broadcast) => unknown

/** What a task subscriber knows of a task. */
export interface TaskContext {
  /** The same when the task is delivered again. Undefined for a task of a sender that gives none. */
  readonly id: string | undefined
  /** Whether the task may have been delivered before. */
  readonly redelivered: boolean
  /**
   * Takes the task over for good: from now on it is not delivered again, whatever becomes of this
   * program. Without it that happens when the subscriber has returned.
   */
  accept(): void
}

/** The identifiers under which a member of a group wants RPCs answered. */
export interface RpcGroup {
  /** Has RPCs to the identifier answered, from soon after on. Does nothing for one that was added. */
  add(identifier: string): void
  /** Ends that for the whole group. */
  remove(identifier: string): void
  /** Resolves once all calls so far have taken effect, or the connection is lost. */
  settled(): Promise<void>
  /** Leaves the group. The identifiers of the last member go with it. */
  leave(): Promise<void>
}
