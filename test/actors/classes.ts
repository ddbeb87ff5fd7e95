import { defer, type Deferred } from '../../src/process/state/deferred.ts'
import { currentCall, type ActorRef, type ProcessHandle } from '../../src/index.ts'

/** Gates that a test opens, by name. */
const gates = new Map<string, Deferred<void>>()

export function gate(name: string): Deferred<void> {
  let found = gates.get(name)
  if (found === undefined) gates.set(name, (found = defer<void>()))
  return found
}

/** What the methods have done in this program. */
export const did: string[] = []

/** What an effect looks at. */
export const watching: { state: () => Promise<string | undefined> } = { state: async () => undefined }

export function forget(): void {
  for (const one of gates.values()) one.resolve()
  gates.clear()
  did.length = 0
}

export class Counter {
  static readonly transient = ['loads']
  n: number
  names: string[] = []
  loads = 0
  #calls = 0

  constructor(start: number) {
    if (start < 0) throw new RangeError(`${start} is too small`)
    this.n = start
  }

  onLoad(): void {
    this.loads = (this.loads ?? 0) + 1
    did.push('load')
  }

  add(by: number): number {
    this.#calls++
    this.n += by
    did.push(`add ${by}`)
    return this.n
  }

  /** How many calls this very instance has had: no state. */
  calls(): number {
    return this.#calls
  }

  note(name: string): number {
    return this.names.push(name)
  }

  fail(message: string): void {
    this.n = -1
    throw new RangeError(message)
  }

  failFirst(times: number): number {
    this.n++
    did.push(`attempt ${currentCall().attempt}`)
    if (currentCall().attempt <= times) throw new Error('not yet')
    return this.n
  }

  /** Leaves something that can't be saved. */
  spoil(): void {
    ;(this as { hook?: unknown }).hook = { on: () => {} }
  }

  async wait(name: string): Promise<number> {
    did.push(`wait ${name}`)
    this.n += 100
    const { signal } = currentCall()
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
    await Promise.race([gate(name).promise, aborted])
    return this.n
  }

  async nap(): Promise<number> {
    did.push('nap')
    await currentCall().sleep('nap', '1s')
    return ++this.n
  }

  async pay(name: string): Promise<string> {
    const call = currentCall()
    call.print(`pays ${name}`)
    const key = await call.effect('pay', ({ idempotencyKey }) => {
      did.push(`pay ${idempotencyKey.slice(call.pid.length)}`)
      return idempotencyKey
    })
    this.names.push(name)
    call.addEvent('paid', { name })
    return key
  }

  sum(values: readonly number[], more: { readonly by: number }): number {
    this.n += values.reduce((sum, value) => sum + value, 0) + more.by
    return this.n
  }

  async tell(other: ActorRef<Counter>, by: number): Promise<ProcessHandle<number>> {
    return other.call.add(by)
  }

  /** What an effect reads of something outside. */
  async stateOf(): Promise<string | undefined> {
    return currentCall().effect('look', () => watching.state())
  }

  async askSelf(self: ActorRef<Counter>): Promise<number> {
    return self.call.add(1).result()
  }

  friend: ActorRef<Counter> | undefined

  meet(friend: ActorRef<Counter>): void {
    this.friend = friend
  }

  pass(by: number): void {
    this.friend?.call.add(by)
  }
}

export class Unsavable {
  readonly inner = { hook: () => {} }
}
