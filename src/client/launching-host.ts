import type { Codec } from '../bundle/codec.ts'
import type { Committed, Host } from '../process/host.ts'
import type { ProcessHandle } from '../process/handle.ts'
import { InvalidStateError } from '../shared/errors.ts'

/** The host of a process that is only made here to be launched: it is saved, and never run in this program. */
export class LaunchingHost implements Host {
  readonly durable = true
  readonly codec: Codec

  constructor(codec: Codec) {
    this.codec = codec
  }

  commit(): Committed {
    throw notHere()
  }

  launch(): Promise<ProcessHandle> {
    return Promise.reject(notHere())
  }

  request(): Promise<boolean> {
    return Promise.reject(notHere())
  }
}

function notHere(): InvalidStateError {
  return new InvalidStateError('a client runs no process: an engine does, and the handle controls it')
}
