import {
  broadcastRequest,
  remoteRequest,
  statusReply,
  type Broadcast,
  type RemoteControlRequest,
} from '../host/remote.ts'
import { PendingReply } from '../../shared/pending-reply.ts'
import type { RunState } from '../step/run-state.ts'

/* What a process does with messages, unless its class overrides `messageReceive` or `broadcastReceive`. */

/** Answers an RPC. A request is stored before it is answered (C7). @throws TypeError for an unknown intent */
export function answerMessage(data: RunState, message: unknown): unknown {
  const request = remoteRequest(message)
  if (request.kind !== 'status') return new PendingReply(ask(data, request))
  const { createdAt, paused, state, hosted } = data
  const processString = hosted.process.getStatusInfo().processString
  return statusReply({ createdAt, paused: paused !== undefined, state: state.label, processString })
}

/** Does what a broadcast to all processes asks for. */
export async function hearBroadcast(data: RunState, broadcast: Broadcast): Promise<void> {
  const request = broadcastRequest(broadcast)
  if (request !== undefined) await ask(data, request)
}

async function ask({ host, hosted }: RunState, request: RemoteControlRequest): Promise<boolean> {
  return host.request(hosted, request)
}
