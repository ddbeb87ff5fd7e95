import type { Client, DeliberateOptions, ListFilter, PreviewedRequest } from '../../index.ts'
import { processes } from '../input/bulk.ts'
import { LIVE } from '../input/filters.ts'
import { ExitCode } from '../input/exit-code.ts'
import { note, print, printEscaped, printJson } from '../render/output.ts'
import { listTable } from './list-table.ts'

/** The processes that are shown one by one, at most. */
const SHOWN = 20

/** What a bulk request does, and which of the matching processes it reaches. */
const REQUESTS: Readonly<Record<PreviewedRequest, { readonly done: string; readonly reaches: string }>> = {
  pause: { done: 'paused', reaches: 'is unfinished' },
  play: { done: 'played', reaches: 'is paused after failures or crashes, or parked' },
  kill: { done: 'killed', reaches: 'is unfinished' },
  retry: { done: 'retried', reaches: 'backs off, is paused after failures or crashes, or is parked' },
  restart: { done: 'restarted', reaches: 'ended without success and is not superseded' },
  resubmit: { done: 'resubmitted', reaches: 'ended without success and is not superseded' },
  signal: { done: 'sent the signal', reaches: 'is unfinished' },
}

/** Prints the processes that a bulk request would reach, and returns the exit code. */
export async function printPreview(
  client: Client,
  request: PreviewedRequest,
  filter: ListFilter,
  { json, ...options }: DeliberateOptions & { readonly json?: true | undefined },
): Promise<number> {
  const found = await client.preview(request, filter, options)
  if (json) printJson({ wouldReach: found.length, processes: found.map(({ pid }) => pid) })
  else if (found.length > 0) {
    printEscaped(await listTable(client, found.slice(0, SHOWN)))
    if (found.length > SHOWN) print(`and ${found.length - SHOWN} more`)
  }
  if (!json) print(`${processes(found.length)} would be ${REQUESTS[request].done}`)
  return codeOf(client, request, filter, found.length)
}

/** Returns the exit code of a bulk request that reached `count` processes. If there are none, notes why. */
export async function codeOf(
  client: Client,
  request: PreviewedRequest,
  filter: ListFilter,
  count: number,
): Promise<number> {
  if (count > 0) return ExitCode.DONE
  const { state, ...others } = filter
  // Without --state, a command for unfinished processes sets just their states.
  const isChosen = state !== undefined && state !== LIVE
  const states = Object.entries(await client.count(others)).filter(([, number]) => number > 0)
  const each = states.map(([state, number]) => `${number} ${state}`).join(', ')
  note(
    states.length === 0
      ? 'no process matches'
      : `of the matching processes (${each}), none ${REQUESTS[request].reaches}${isChosen ? ' and is in a requested state' : ''}`,
  )
  return ExitCode.FAILED
}
