import type { Client, ProcessDetails } from '../../index.ts'

/** A process that has failed: it excepted, finished without success, or was paused by failures. */
export interface Failure {
  readonly pid: string
  readonly class: string
  readonly state: string
  /** Where it failed; null where that is not known. */
  readonly step: string | null
  readonly message: string | null
}

/** Calls back for each process that fails while this engine runs it. Returns a function that stops it. */
export function watchFailures(
  client: Client,
  engine: string,
  failed: (failure: Failure) => void,
): () => void {
  return client.store.watch((changes) => {
    for (const { pid, name, data } of changes) {
      const mayHaveFailed =
        name === 'excepted' ||
        (name === 'paused' && data?.includes('"cause":') === true) ||
        (name === 'finished' && data?.includes('"successful":false') === true)
      if (!mayHaveFailed) continue
      client.inspect(pid).then(
        (details) => {
          const failure = details.lastEngine === engine ? failureOf(details) : undefined
          if (failure !== undefined) failed(failure)
        },
        // It was pruned, or the store can't be read now; damson list shows it.
        () => {},
      )
    }
  })
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
  return `${name} ${pid} ${state}${where}${why === '' ? '' : `: ${why}`}`
}
