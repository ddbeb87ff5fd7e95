/* Requests of other programs to a process over a communicator, in plumpy's format. */
import { isJsonObject } from '../../shared/json.ts'
import { shown } from '../../shared/options.ts'
import type { ProcessState } from '../state/process-state.ts'

/** A broadcast as its subscribers get it. */
export interface Broadcast {
  readonly body: unknown
  /** The sender: for a change of state, the pid of the process. */
  readonly sender: string | number | null
  /** The subject: `pause`, `play`, `kill`, or for example `state_changed.running.finished`. */
  readonly subject: string | null
  readonly correlationId: string | number | null
}

/** What an RPC to a process asks for. */
export type RemoteRequest = { readonly kind: 'status' } | RemoteControlRequest

/** A request that is stored before it is answered (C7). */
export type RemoteControlRequest =
  | { readonly kind: 'play' }
  | { readonly kind: 'pause'; readonly message: string | undefined }
  | { readonly kind: 'kill'; readonly message: string | undefined; readonly force: boolean }

/** The intents of RPCs and, `status` aside, the subjects of the broadcasts to all processes. */
const INTENTS = ['status', 'pause', 'play', 'kill'] as const

/**
 * The request of a message `{ intent, message, force_kill }`.
 *
 * @throws TypeError for anything else
 */
export function remoteRequest(message: unknown): RemoteRequest {
  if (!isJsonObject(message))
    throw new TypeError(`a process takes messages such as { intent: 'status' }, not ${shown(message)}`)
  const { intent, message: text, force_kill: force } = message
  switch (intent) {
    case 'status':
      return { kind: 'status' }
    case 'pause':
    case 'play':
    case 'kill':
      return controlRequest(intent, text, force)
    default:
      throw new TypeError(`unknown intent ${shown(intent)}: a process knows ${INTENTS.join(', ')}`)
  }
}

/** The request of a broadcast to all processes; undefined for any other broadcast. */
export function broadcastRequest({ subject, body }: Broadcast): RemoteControlRequest | undefined {
  if (subject !== 'pause' && subject !== 'play' && subject !== 'kill') return undefined
  // The body is the text, or a message like that of an RPC.
  if (!isJsonObject(body)) return controlRequest(subject, body, false)
  return controlRequest(subject, body['message'], body['force_kill'])
}

function controlRequest(
  kind: RemoteControlRequest['kind'],
  message: unknown,
  force: unknown,
): RemoteControlRequest {
  if (kind === 'play') return { kind }
  if (kind === 'pause') return { kind, message: messageText(message) }
  return { kind, message: messageText(message), force: force === true }
}

function messageText(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toWellFormed() : undefined
}

/** What the answer to `status` is made from. */
export interface StatusFacts {
  readonly createdAt: number
  readonly paused: boolean
  readonly state: ProcessState
  readonly processString: string
}

/** The answer to `status`, as plumpy's controllers expect it. `ctime` is in seconds. */
export function statusReply({
  createdAt,
  paused,
  state,
  processString,
}: StatusFacts): Readonly<Record<string, unknown>> {
  return {
    ctime: createdAt / 1_000,
    paused,
    process_string: processString,
    state: `ProcessState.${state.toUpperCase()}`,
  }
}
