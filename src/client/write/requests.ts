import { encodeEvent } from '../../persistence/contract/event-codec.ts'
import type { Outcome } from '../../persistence/contract/outcomes.ts'
import type { HandleRequest } from '../../process/handle/base-handle.ts'
import { killedStateText } from '../../process/state/saved-state.ts'
import type { JsonValue } from '../../shared/json.ts'
import { shown } from '../../shared/options.ts'
import type { GroupCommit } from './group-commit.ts'

/** Writes the requests of callers. Each request is stored when its promise resolves (C7). */
export class Requests {
  readonly #commits: GroupCommit
  /** The name under which the history shows the caller. */
  readonly #by: string
  /** Milliseconds that a killed step has before its process is fenced. */
  readonly #killGrace: number

  constructor(commits: GroupCommit, by: string, killGrace: number) {
    this.#commits = commits
    this.#by = by
    this.#killGrace = killGrace
  }

  /**
   * Pauses, plays or kills a process and, with `tree`, all its descendants. Rejects with
   * `TypeError` for a message that is not text.
   */
  async request(pid: string, request: HandleRequest, tree: boolean): Promise<Outcome> {
    const message = request.kind === 'play' ? undefined : request.message
    if (message !== undefined && typeof message !== 'string')
      throw new TypeError(`${request.kind}: the message must be text, not ${shown(message)}`)
    const grace = request.kind === 'kill' && !request.force ? this.#killGrace : 0
    return this.#write(pid, request.kind, message, grace, tree)
  }

  /** Stops an actor: it accepts no more calls, and ends. */
  stop(pid: string, drain: boolean): Promise<Outcome> {
    const id = newId()
    const by = this.#by
    return this.#commits.write({
      kind: 'request',
      pid,
      id,
      request: 'stop',
      drain,
      message: null,
      grace: 0,
      by,
      killedState: null,
    })
  }

  retry(pid: string): Promise<Outcome> {
    return this.#write(pid, 'retry', undefined, 0, false)
  }

  /** `value` is encoded. */
  resume(pid: string, value: string): Promise<Outcome> {
    return this.#commits.write({ kind: 'resume', pid, id: newId(), value, by: this.#by })
  }

  /** `data` is encoded. */
  addEvent(pid: string, name: string, at: number, data: string | undefined): Promise<Outcome> {
    const value = data === undefined ? {} : { data: JSON.parse(data) as JsonValue }
    const event = encodeEvent('event', { name, at, ...value, caller: true })
    const report = { log: [], events: [event], progress: undefined }
    return this.#commits.write({ kind: 'event', pid, id: newId(), report, by: this.#by })
  }

  /** `payload` is checked and encoded. */
  signal(pid: string, name: string, payload: string): Promise<Outcome> {
    return this.#commits.write({ kind: 'signal', pid, id: newId(), name, value: payload, by: this.#by })
  }

  #write(
    pid: string,
    request: HandleRequest['kind'] | 'retry',
    message: string | undefined,
    grace: number,
    tree: boolean,
  ): Promise<Outcome> {
    return this.#commits.write({
      kind: 'request',
      pid,
      id: newId(),
      request,
      message: message ?? null,
      grace,
      by: this.#by,
      killedState: request === 'kill' || request === 'abort' ? killedStateText(message ?? null) : null,
      tree,
    })
  }
}

/** Names the message, so that the store recognises a write that is repeated after a lost answer (C4). */
export function newId(): string {
  return globalThis.crypto.randomUUID()
}
