import type { Codec } from '../../bundle/codec.ts'
import type { Committed, Host } from '../../process/host/host.ts'
import type { Clock } from '../../shared/clock.ts'
import { InvalidStateError } from '../../shared/errors.ts'

/** The host of a process that is only constructed to be saved. A client never runs it. */
export class LaunchingHost implements Host {
  readonly durable = true
  readonly codec: Codec
  readonly clock: Clock

  constructor(codec: Codec, clock: Clock) {
    this.codec = codec
    this.clock = clock
  }

  commit(): Committed {
    throw notHere()
  }

  launch(): Promise<never> {
    return Promise.reject(notHere())
  }

  launchAll(): Promise<never> {
    return Promise.reject(notHere())
  }

  request(): Promise<never> {
    return Promise.reject(notHere())
  }

  record(): Promise<never> {
    return Promise.reject(notHere())
  }

  mail(): Promise<never> {
    return Promise.reject(notHere())
  }

  suspend(): never {
    throw notHere()
  }

  evict(): never {
    throw notHere()
  }

  outcomes(): Promise<never> {
    return Promise.reject(notHere())
  }

  checkpoint(): Promise<never> {
    return Promise.reject(notHere())
  }
}

function notHere(): InvalidStateError {
  return new InvalidStateError('a client runs no process: an engine does, and the handle controls it')
}
