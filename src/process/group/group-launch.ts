import type { AbortSignal } from '../../shared/abort-signal.ts'
import { onAbort } from '../../shared/abort.ts'
import { errorText } from '../../shared/error-text.ts'
import {
  ClosedError,
  GroupLaunchError,
  KeyConflictError,
  LeaseLost,
  ProcessKilled,
} from '../../shared/errors.ts'
import type { InputsSource } from '../host/group-options.ts'
import { InputSource } from './input-source.ts'

/**
 * The most members whose launches are under way: as many as a commit takes, so that the inputs are
 * read no faster than they are stored.
 */
const MOST_UNDER_WAY = 1_000

/** How the members of a group are launched. */
export interface MemberLaunch<I> {
  /** The call, for messages. */
  readonly where: string
  /** The name of the group. */
  readonly name: string
  /** How many inputs each member takes. */
  readonly chunkSize: number
  /** How many members may be launched and not ended; 0 for any number. */
  readonly maxOutstanding: number
  /** The number of members that an earlier launch has stored. */
  readonly known: number
  readonly signal: AbortSignal | undefined
  /** Launches one member. Throws or rejects for inputs that do not fit. */
  launch(inputs: I, position: number): StoringMember | Promise<StoringMember>
  /** Calls back once, when the process has ended or can no longer be watched. */
  whenOver(pid: string, over: () => void): void
  /** Runs a wait for the end of one of these processes. */
  whileWaiting<T>(pids: () => readonly string[], wait: () => Promise<T>): Promise<T>
}

/** A member that is being stored. */
export interface StoringMember {
  /** Resolves to its pid. */
  readonly stored: Promise<string>
}

/** Launches the members of one group, as their inputs are read. */
export class GroupLaunch<I> {
  readonly #members: MemberLaunch<I>
  readonly #pids: string[] = []
  /** The number of launches that are not answered. */
  #underWay = 0
  #launched = 0
  /** The launched processes that have not ended, if their number is limited. */
  readonly #outstanding = new Set<string>()
  /** The failure at the smallest position. */
  #failure: { readonly position: number; readonly error: unknown } | undefined
  /** Ends the current wait, if there is one. */
  #notify: (() => void) | undefined

  constructor(members: MemberLaunch<I>) {
    this.#members = members
  }

  /**
   * Launches a member for each of the inputs, and resolves to their pids.
   *
   * @throws GroupLaunchError for inputs that do not fit or could not be read
   * @throws KeyConflictError if a member was launched before with other inputs
   */
  async run(inputs: InputsSource<I>): Promise<string[]> {
    const { where, signal } = this.#members
    signal?.throwIfAborted()
    const source = new InputSource(inputs, where)
    const stop =
      signal && onAbort(signal, () => this.#failAt(Number.POSITIVE_INFINITY, signal.reason as unknown))
    try {
      await this.#readAll(source)
      // Launches in progress are completed, even if another one failed.
      while (this.#underWay > 0) await this.#change()
    } finally {
      stop?.()
    }
    if (this.#failure !== undefined) throw this.#reported(this.#failure)
    return this.#pids
  }

  async #readAll(source: InputSource<I>): Promise<void> {
    for (let position = 0; ; position++) {
      // Other inputs than those of the first launch must not add to its members.
      if (position === this.#members.known) while (this.#underWay > 0) await this.#change()
      while (this.#isFull && this.#failure === undefined) await this.#room()
      if (this.#failure !== undefined) break
      let next: IteratorResult<I> | undefined
      try {
        const given = source.next()
        next = given instanceof Promise ? await this.#unlessFailed(given) : given
      } catch (cause) {
        this.#failAt(
          position,
          new GroupLaunchError(
            this.#text(position, 'could not be read', cause),
            this.#facts(position, cause),
          ),
        )
        return
      }
      if (next?.done === true) return
      const launching = next && this.#launch(next.value, position)
      if (launching !== undefined) await launching
    }
    // Not awaited: a source that waits for something would hold up the failure.
    source.stop().catch(() => {})
  }

  /** Returns a promise only if the launch does. */
  #launch(inputs: I, position: number): Promise<void> | undefined {
    try {
      const member = this.#members.launch(inputs, position)
      if (member instanceof Promise) {
        return member.then(
          (one) => this.#storing(one, position),
          (error: unknown) => this.#failAt(position, error),
        )
      }
      this.#storing(member, position)
    } catch (error) {
      this.#failAt(position, error)
    }
    return undefined
  }

  #storing({ stored }: StoringMember, position: number): void {
    const { maxOutstanding } = this.#members
    this.#underWay++
    stored.then(
      (pid) => {
        this.#pids[position] = pid
        this.#launched++
        if (maxOutstanding > 0) this.#follow(pid)
        this.#settled()
      },
      (error: unknown) => {
        this.#failAt(position, error)
        this.#settled()
      },
    )
  }

  #settled(): void {
    this.#underWay--
    this.#notify?.()
  }

  #follow(pid: string): void {
    this.#outstanding.add(pid)
    this.#members.whenOver(pid, () => {
      this.#outstanding.delete(pid)
      this.#notify?.()
    })
  }

  get #isFull(): boolean {
    const { maxOutstanding } = this.#members
    if (this.#underWay >= MOST_UNDER_WAY) return true
    return maxOutstanding > 0 && this.#underWay + this.#outstanding.size >= maxOutstanding
  }

  /** Waits until a launch is answered, or one of the processes has ended. */
  #room(): Promise<void> {
    if (this.#underWay > 0) return this.#change()
    return this.#members.whileWaiting(
      () => [...this.#outstanding],
      () => this.#change(),
    )
  }

  /** Undefined if the launch fails first. */
  #unlessFailed<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#notify = () => {
        if (this.#failure !== undefined) resolve(undefined)
      }
      work.then(resolve, reject)
    })
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#notify = resolve))
  }

  #failAt(position: number, error: unknown): void {
    if (this.#failure === undefined || position < this.#failure.position) this.#failure = { position, error }
    this.#notify?.()
  }

  #reported({ position, error }: { readonly position: number; readonly error: unknown }): unknown {
    if (position === Number.POSITIVE_INFINITY || isOfLauncher(error)) return error
    if (error instanceof KeyConflictError) {
      return new KeyConflictError(
        `${error.message}. A group is launched again with the same class and inputs in the same order; launch others under another name`,
        { cause: error },
      )
    }
    if (error instanceof GroupLaunchError) return this.#withRest(error, position)
    const refused = new GroupLaunchError(
      this.#text(position, 'cannot be launched', error),
      this.#facts(position, error),
    )
    return this.#withRest(refused, position)
  }

  /** The error with the number of launched processes, which is known once no launch is in progress. */
  #withRest({ message, cause }: GroupLaunchError, position: number): GroupLaunchError {
    const { name } = this.#members
    const rest =
      this.#launched === 0
        ? 'Nothing was launched'
        : `The group has the ${this.#launched === 1 ? 'process' : `${this.#launched} processes`} launched before: openGroup({ name: ${JSON.stringify(name)} }) returns them, and the same launch under that name adds the others`
    return new GroupLaunchError(`${message}. ${rest}`, this.#facts(position, cause))
  }

  #text(position: number, what: string, cause: unknown): string {
    const { where, name, chunkSize } = this.#members
    const at = chunkSize === 1 ? 'at' : 'from'
    return `${where}: the inputs ${at} position ${position * chunkSize} of the group ${JSON.stringify(name)} ${what}: ${errorText(cause)}`
  }

  #facts(position: number, cause: unknown): ConstructorParameters<typeof GroupLaunchError>[1] {
    const { name, chunkSize } = this.#members
    return { group: name, position: position * chunkSize, launched: this.#launched, cause }
  }
}

/** Whether the launcher itself has come to an end. */
function isOfLauncher(error: unknown): boolean {
  return error instanceof ClosedError || error instanceof LeaseLost || error instanceof ProcessKilled
}
