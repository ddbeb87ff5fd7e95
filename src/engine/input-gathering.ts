import type { BundleParts } from '../bundle/bundle.ts'
import { missingOf, settledOf } from '../client/handle/outcome.ts'
import { savedUpstream } from '../client/launch/upstream.ts'
import { outputsOf } from '../client/read/saved-outputs.ts'
import { LARGEST_LOAD, LARGEST_READ } from '../persistence/contract/control.ts'
import type { ProcessRow, StoredProcess } from '../persistence/contract/rows.ts'
import { lostOutcome } from '../process/host/lost-outcome.ts'
import type { Settled } from '../process/host/process-handle.ts'
import { isMet, needsOf, type Need } from '../process/references/dependency.ts'
import { isDropped } from '../process/references/output-reference.ts'
import { outputValue } from '../process/references/output-value.ts'
import { Reference, type SavedReference } from '../process/references/reference.ts'
import { savedReferences, type PlacedReference } from '../process/references/saved-references.ts'
import { Search } from '../process/references/search.ts'
import { ALLOW_FAILURE, becauseText, endingText, lateText, namedText } from '../process/state/ending-texts.ts'
import { LONGEST_CHAIN } from '../process/state/upstream-failure.ts'
import { unsuccessfulError } from '../process/state/unsuccessful.ts'
import {
  DeadlineExceeded,
  ProcessLost,
  UpstreamFailed,
  WaitTimeout,
  type ProcessError,
} from '../shared/errors.ts'
import type { EngineParts } from './engine-parts.ts'
import { deadlineOf } from './revive.ts'
import { untilRead } from './store-reader.ts'

/** A claimed process, or a call. */
interface Needing extends Pick<StoredProcess, 'bundle'> {
  readonly row: Pick<ProcessRow, 'pid' | 'className' | 'createdAt' | 'deadline' | 'upstream'>
}

/** The result of checking the needs of a claimed process. */
export type Gathered =
  /** It may start. `inputs` have the values of other processes; undefined if there are no references. */
  | { readonly starts: true; readonly inputs: Readonly<Record<string, unknown>> | undefined }
  /** It can no longer start. */
  | { readonly starts: false; readonly error: Error }
  /** It still has to wait. */
  | undefined

/**
 * Checks the needs of a process before it starts: reads how its upstream processes ended, and puts
 * their values into its inputs in place of the references.
 */
export class InputGathering {
  readonly #engine: EngineParts
  readonly #isClosing: () => boolean

  constructor(engine: EngineParts, isClosing: () => boolean) {
    this.#engine = engine
    this.#isClosing = isClosing
  }

  /** @throws ClosedError if the engine closes meanwhile */
  async gather(claimed: Needing): Promise<Gathered> {
    const { row } = claimed
    const { parts } = claimed.bundle()
    const { refers, after } = savedUpstream(parts)
    const references = refers === true ? savedReferences(parts['inputs'] ?? '{}') : []
    const needs = needsOf(references, after)
    const pids = [...new Set(needs.map(({ pid }) => pid))]
    // A few are read once, with their values. Many are first read without values, so as not to hold
    // all of them.
    const isSmall = refers === true && after === undefined && pids.length <= LARGEST_LOAD
    const loaded = isSmall ? byPid(await this.#load(row.pid, pids)) : undefined
    const rows = loaded === undefined ? await this.#rows(row.pid, pids) : rowsOf(loaded)
    const failed = failedNeed(needs, rows)
    if (failed !== undefined) {
      const path = references.find(
        ({ pid, allowFailure }) => pid === failed.pid && allowFailure !== true,
      )?.path
      return { starts: false, error: await this.#upstreamFailed(row, failed, rows.get(failed.pid), path) }
    }
    const pending = pendingNeeds(needs, rows)
    if (pending.length > 0) {
      const error = this.#tooLate(row, pending)
      return error && { starts: false, error }
    }
    if (refers !== true) return { starts: true, inputs: undefined }
    try {
      return { starts: true, inputs: await this.#inputs(row.pid, parts, references, loaded) }
    } catch (error) {
      if (error instanceof UpstreamFailed) return { starts: false, error }
      throw error
    }
  }

  async #rows(of: string, pids: readonly string[]): Promise<ReadonlyMap<string, ProcessRow>> {
    const rows = new Map<string, ProcessRow>()
    for (let start = 0; start < pids.length; start += LARGEST_READ) {
      const some = pids.slice(start, start + LARGEST_READ)
      for (const row of await this.#read(of, () => this.#engine.store.readAll(some))) rows.set(row.pid, row)
    }
    return rows
  }

  /** If the store can't be read now, no process ends: the read is tried again. */
  #read<T>(pid: string, read: () => Promise<T>): Promise<T> {
    return untilRead(read, { pid, logger: this.#engine.logger, isOver: this.#isClosing })
  }

  /** The error of a process whose deadline or timeout has passed before its needs were met. */
  #tooLate(row: Needing['row'], pending: readonly string[]): Error | undefined {
    const now = this.#engine.clock.now()
    const deadline = deadlineOf(row, this.#engine.classes)
    if (deadline !== undefined && deadline <= now) {
      return new DeadlineExceeded(
        `process ${row.pid} had not ended by its deadline, ${new Date(deadline).toISOString()}: it still waited for ${namedText(pending)}`,
      )
    }
    const until = row.upstream?.until ?? null
    if (until === null || until > now) return undefined
    return new WaitTimeout(lateText(row.pid, pending), pending, pending.length)
  }

  async #upstreamFailed(
    { pid }: Needing['row'],
    need: Need,
    row: ProcessRow | undefined,
    path: string | undefined,
  ): Promise<UpstreamFailed> {
    const [stored] = row === undefined ? [] : await this.#load(pid, [need.pid])
    const cause = this.#causeOf(need.pid, stored)
    const taken =
      path === undefined
        ? `it was to start after the process ${need.pid}`
        : `${path} takes its value from the process ${need.pid}`
    const named = row === undefined ? '' : ` (${row.className})`
    const advice = path === undefined ? '' : ALLOW_FAILURE
    return upstreamFailed(pid, need.pid, `${taken}${named}, ${howItEnded(row, cause)}${advice}`, cause)
  }

  /** The error that stands for how a process failed; undefined if it succeeded. */
  #causeOf(pid: string, stored: StoredProcess | undefined): ProcessError | undefined {
    if (stored === undefined) return lost(pid)
    const { row } = stored
    const settled = this.#settled(stored)
    if (settled.status === 'rejected' && !isDropped(settled)) return settled.reason
    if (row.successful === true) return undefined
    const { exitCode, message } = settled.state
    const missing = missingOf(stored.bundle().parts, this.#engine.codec)
    return unsuccessfulError(pid, row.className, { exitCode, message, missing })
  }

  #settled(stored: StoredProcess): Settled<unknown> {
    return settledOf(stored.row, () => stored.bundle().parts, this.#engine.codec)
  }

  #load(of: string, pids: readonly string[]): Promise<readonly StoredProcess[]> {
    return this.#read(of, () => this.#engine.store.loadAll(pids))
  }

  /** The inputs with the values of other processes in place of the references. */
  async #inputs(
    pid: string,
    parts: BundleParts,
    references: readonly PlacedReference[],
    loaded: ReadonlyMap<string, StoredProcess> | undefined,
  ): Promise<Readonly<Record<string, unknown>>> {
    const values = new Map<string, unknown>()
    const toProcess = new Map<string, PlacedReference[]>()
    for (const reference of references) {
      const known = toProcess.get(reference.pid)
      if (known === undefined) toProcess.set(reference.pid, [reference])
      else known.push(reference)
    }
    const pids = [...toProcess.keys()]
    for (let start = 0; start < pids.length; start += LARGEST_LOAD) {
      const some = pids.slice(start, start + LARGEST_LOAD)
      const stored = loaded ?? byPid(await this.#load(pid, some))
      for (const target of some)
        for (const reference of toProcess.get(target) ?? [])
          values.set(keyOf(reference), this.#value(pid, reference, stored.get(target)))
    }
    const inputs = this.#engine.codec.parse(parts['inputs'] ?? '{}', 'inputs')
    const search = Search.for(inputs, (value) => value instanceof Reference)
    const found = (search?.found ?? []) as readonly Reference[]
    const replaced = search?.replaced(new Map(found.map((one) => [one, values.get(keyOf(one.saved))])))
    return (replaced ?? inputs) as Readonly<Record<string, unknown>>
  }

  /** @throws UpstreamFailed if there is no such value */
  #value(pid: string, reference: PlacedReference, stored: StoredProcess | undefined): unknown {
    const settled = this.#settledValue(reference, stored)
    if (reference.allowFailure === true) return settled
    if (settled.status === 'fulfilled') return settled.value
    const { reason } = settled
    throw upstreamFailed(pid, reference.pid, `${reference.path}: ${reason.message}`, reason)
  }

  #settledValue({ pid, output, done }: SavedReference, stored: StoredProcess | undefined): Settled<unknown> {
    if (stored === undefined) return lostOutcome(lost(pid))
    const settled = this.#settled(stored)
    const { state } = settled
    const isOver = settled.status === 'fulfilled' || isDropped(settled)
    if (done === true && isOver) return { status: 'fulfilled', value: true, state }
    if (settled.status === 'rejected') return settled
    if (output === undefined) return settled
    try {
      const outputs = outputsOf(stored.bundle().parts, this.#engine.codec)
      return { status: 'fulfilled', value: outputValue(pid, output, outputs, settled.value), state }
    } catch (error) {
      return { status: 'rejected', reason: error as ProcessError, state }
    }
  }
}

function byPid(stored: readonly StoredProcess[]): ReadonlyMap<string, StoredProcess> {
  return new Map(stored.map((one) => [one.row.pid, one]))
}

function rowsOf(stored: ReadonlyMap<string, StoredProcess>): ReadonlyMap<string, ProcessRow> {
  return new Map([...stored].map(([pid, { row }]) => [pid, row]))
}

/**
 * The first need that can no longer be met. A need of any one process fails only once all of them
 * have ended otherwise.
 */
function failedNeed(needs: readonly Need[], rows: ReadonlyMap<string, ProcessRow>): Need | undefined {
  const cannot = (need: Need): boolean => {
    const row = rows.get(need.pid)
    if (row === undefined) return need.ended !== 'either'
    return row.endedAt !== null && !isMet(need, row.successful)
  }
  const sufficient = needs.filter(({ any }) => any)
  return (
    needs.find((need) => !need.any && cannot(need)) ?? (sufficient.every(cannot) ? sufficient[0] : undefined)
  )
}

/** The pids of the processes that must still end. */
function pendingNeeds(needs: readonly Need[], rows: ReadonlyMap<string, ProcessRow>): readonly string[] {
  const isLeft = ({ pid }: Need): boolean => rows.get(pid)?.endedAt === null
  const isEnough = needs.some(
    (need) => need.any && !isLeft(need) && isMet(need, rows.get(need.pid)?.successful),
  )
  return needs.filter((need) => isLeft(need) && !(need.any && isEnough)).map(({ pid }) => pid)
}

function keyOf({ pid, output, done, allowFailure }: SavedReference): string {
  return JSON.stringify([pid, output, done, allowFailure])
}

function lost(pid: string): ProcessLost {
  return new ProcessLost(pid, `there is no process ${pid} in this store any more`)
}

/** How a process failed or, if it failed because of others, how the first of them failed. */
function howItEnded(row: ProcessRow | undefined, cause: ProcessError | undefined): string {
  if (row === undefined) return 'which is no longer in the store'
  const chain = cause === undefined ? [] : chainOf(cause)
  const last = chain.findLast((one) => one instanceof UpstreamFailed)
  if (last === undefined) return endingText(row)
  return becauseText(last.upstream, chain[chain.indexOf(last) + 1]?.message)
}

function upstreamFailed(
  pid: string,
  upstream: string,
  message: string,
  cause: ProcessError | undefined,
): UpstreamFailed {
  const error = new UpstreamFailed(pid, upstream, message, cause && { cause: bounded(cause) })
  // The stack would show this engine, and each later process would save it again.
  error.stack = `${error.name}: ${message}`
  return error
}

/**
 * An error with its causes; the middle of a long chain is left out. The last cause is always the
 * error of the process that failed first.
 */
function bounded(error: ProcessError): ProcessError {
  const chain = chainOf(error)
  const first = chain.findLastIndex((one) => one instanceof UpstreamFailed) + 1
  if (first <= LONGEST_CHAIN) return error
  Object.defineProperty(chain[LONGEST_CHAIN - 1], 'cause', {
    value: chain[first],
    configurable: true,
    writable: true,
  })
  return error
}

/** An error and its causes. */
function chainOf(error: Error): readonly Error[] {
  const chain: Error[] = []
  for (let at: unknown = error; at instanceof Error && !chain.includes(at); at = at.cause) chain.push(at)
  return chain
}
