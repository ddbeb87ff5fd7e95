import type { Client, ProcessDetails } from '../../index.ts'

/** A process that has failed: it excepted, finished without success, or was paused by failures. */
export interface Failure {
  readonly pid: string
  readonly class: string
  readonly state: string
  /** Where it failed; null if that is not known. */
  readonly step: string | null
  readonly message: string | null
}

/** The paused processes that are looked at when a worker begins, at most. */
const LOOKED_AT = 1_000

/**
 * Calls back for each process that fails while this engine runs it, and for each that is paused because it has crashed
 * its engine, from `began` on. Returns a function that stops it.
 */
export function watchFailures(
  client: Client,
  engine: string,
  began: number,
  failed: (failure: Failure) => void,
): () => void {
  /** The pauses after crashes that were reported. The feed and the first look may both find one. */
  const reported = new Set<string>()
  const look = async (pid: string, at: number): Promise<void> => {
    const details = await client.inspect(pid)
    // The engine that a process has crashed is dead, and any other one has paused the process.
    const isAfterCrash = details.paused?.cause === 'crashes'
    const failure = isAfterCrash || details.lastEngine === engine ? failureOf(details) : undefined
    const pause = `${pid} ${at}`
    if (failure === undefined || reported.has(pause)) return
    if (isAfterCrash) reported.add(pause)
    failed(failure)
  }
  const stop = client.store.watch((changes) => {
    for (const { pid, name, data, at } of changes) {
      const mayHaveFailed =
        name === 'excepted' ||
        (name === 'paused' && data?.includes('"cause":') === true) ||
        (name === 'finished' && data?.includes('"successful":false') === true)
      // It was pruned, or the store can't be read now; damson list shows it.
      if (mayHaveFailed) look(pid, at).catch(() => {})
    }
  })
  // While the engine was opened, it may have taken over processes, and nothing watched.
  const first = async (): Promise<void> => {
    const { rows } = await client.store.list({ paused: true, limit: LOOKED_AT })
    for (const { pid, paused } of rows) {
      if (paused?.cause !== 'crashes') continue
      const [last] = await client.history(pid, { last: 1 })
      if (last?.name === 'paused' && last.at.getTime() >= began) await look(pid, last.at.getTime())
    }
  }
  first().catch(() => {})
  return stop
}

function failureOf({
  pid,
  name,
  state,
  paused,
  step,
  endedIn,
  message,
}: ProcessDetails): Failure | undefined {
  if (paused !== null && paused.cause !== 'request')
    return { pid, class: name, state: 'paused', step, message: paused.message }
  const { terminal, successful, label, exitCode } = state
  if (!terminal || successful || label === 'killed') return undefined
  const exit = exitCode && `exit code ${exitCode.code} ${exitCode.label}: ${exitCode.message}`
  return { pid, class: name, state: label, step: endedIn, message: exit ?? message }
}

/** Returns a failure in one line. */
export function failureText({ pid, class: name, state, step, message }: Failure): string {
  const where = step === null || state === 'paused' ? '' : ` in ${step}`
  const [why = ''] = (message ?? '').split('\n')
  const how = state === 'finished' ? 'failed' : state
  return `${name} ${pid} ${how}${where}${why === '' ? '' : `: ${why}`}`
}
