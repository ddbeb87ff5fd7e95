/**
 * The answer to an RPC that is accepted and whose result comes later. The caller is notified at once
 * that it is accepted. Python's controllers expect this of `pause`, `play` and `kill`.
 */
export class PendingReply {
  readonly result: Promise<unknown>

  constructor(result: Promise<unknown>) {
    this.result = result
    // The code that answers reports the rejection.
    result.catch(() => {})
  }
}
