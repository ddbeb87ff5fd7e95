import type { Clock } from '../../shared/clock.ts'
import { ProcessLost, UpstreamFailed, WaitTimeout, type ProcessError } from '../../shared/errors.ts'
import type { Settled } from '../host/process-handle.ts'
import type { MemoryHandle } from '../handle/memory-handle.ts'
import { isMet, type Need, type SavedDependency } from '../references/dependency.ts'
import { settledOutput } from '../references/output-reference.ts'
import { Reference } from '../references/reference.ts'
import { Search } from '../references/search.ts'
import { unsuccessfulError } from '../state/unsuccessful.ts'

type Inputs = Readonly<Record<string, unknown>> | undefined

/** What a launch in memory needs. */
export interface MemoryNeeds {
  /** The process that launches. */
  readonly pid: string
  readonly inputs: Inputs
  readonly after: SavedDependency | undefined
  readonly clock: Clock
  readonly find: (pid: string) => MemoryHandle | undefined
}

/**
 * Waits for the needs of a launch in memory, and resolves to the inputs with the values of other
 * processes. In memory a process can't be created before its inputs are complete, so the launch
 * waits.
 *
 * @throws UpstreamFailed for a process that failed
 * @throws WaitTimeout when the timeout of `after` has passed
 */
export async function gathered(needs: MemoryNeeds): Promise<Inputs> {
  const { inputs, after } = needs
  const search = Search.for(inputs, (value) => value instanceof Reference)
  const values = new Map<object, unknown>()
  const waits = ((search?.found ?? []) as readonly Reference[]).map(async (reference) => {
    values.set(reference, await valueOf(needs, reference))
  })
  if (after !== undefined) waits.push(dependencyEnd(needs, after))
  for (const wait of waits) wait.catch(() => {})
  await Promise.all(waits)
  return search === undefined ? inputs : (search.replaced(values) as Inputs)
}

async function valueOf(needs: MemoryNeeds, { saved }: Reference): Promise<unknown> {
  const { pid, output, done, allowFailure } = saved
  const handle = found(needs, pid)
  const outcome = output === undefined ? await handle.outcome() : await settledOutput(handle, output, {})
  const settled: Settled<unknown> =
    done === true && outcome.status === 'fulfilled' ? { ...outcome, value: true } : outcome
  if (allowFailure === true) return settled
  const failure = failureOf(pid, settled)
  if (failure !== undefined) throw upstreamFailed(needs.pid, pid, failure)
  return settled.status === 'fulfilled' ? settled.value : undefined
}

/** Resolves once the dependency holds. */
async function dependencyEnd(needs: MemoryNeeds, { needs: all, timeout }: SavedDependency): Promise<void> {
  const ends = all.map(async (need) => {
    const outcome = await found(needs, need.pid).outcome()
    const failure = failureOf(need.pid, outcome)
    if (!isMet(need, failure === undefined)) throw upstreamFailed(needs.pid, need.pid, failure)
  })
  for (const end of ends) end.catch(() => {})
  const ended = all[0]?.any === true ? firstOf(ends) : Promise.all(ends)
  if (timeout === undefined) return void (await ended)
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = needs.clock.after(timeout, () => reject(tooLate(all)))
  })
  try {
    await Promise.race([ended, late])
  } finally {
    cancel()
  }
}

/** Resolves with the first that resolves; rejects with the first error once all have rejected. */
async function firstOf(ends: readonly Promise<void>[]): Promise<void> {
  try {
    await Promise.any(ends)
  } catch {
    await ends[0]
  }
}

function found({ find }: MemoryNeeds, pid: string): MemoryHandle {
  const handle = find(pid)
  if (handle === undefined)
    throw new ProcessLost(pid, `there is no process ${pid} in memory, and the launch refers to it`)
  return handle
}

function failureOf(pid: string, outcome: Settled<unknown>): ProcessError | undefined {
  if (outcome.status === 'rejected') return outcome.reason
  const { state } = outcome
  if (state.successful) return undefined
  return unsuccessfulError(pid, pid, state)
}

function upstreamFailed(pid: string, upstream: string, cause: ProcessError | undefined): UpstreamFailed {
  const how = cause === undefined ? 'it was to fail, and finished successfully' : cause.message
  const text = `nothing was launched, because the process ${upstream} is needed for it: ${how}`
  return new UpstreamFailed(pid, upstream, text, cause && { cause })
}

function tooLate(needs: readonly Need[]): WaitTimeout {
  const pids = needs.map(({ pid }) => pid)
  return new WaitTimeout('the timeout of `after` has passed; nothing was launched', pids, pids.length)
}
