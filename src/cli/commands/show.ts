import type { Command } from 'commander'
import type { ProcessHandle, ProcessValues } from '../../index.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { printEscaped, printJson } from '../render/output.ts'
import { inJson, inWords } from '../render/process-facts.ts'
import { screenOf } from '../render/screen.ts'
import { findPid, type KeyOption, withPid } from '../read/find-pid.ts'
import { paragraphs } from '../render/wrap.ts'
import { showGroup } from './groups.ts'
import { UsageError } from '../input/usage-error.ts'

interface ShowOptions extends StoreOptions, KeyOption {
  readonly group?: string
}

export function addShow(program: Command): void {
  withPid(withStore(program.command('show')))
    .description(
      'Show what is stored about a process: its step, what it waits for, its inputs and outputs, and how it ended.',
    )
    .option('--group <name>', 'show this group of processes instead')
    .addHelpText(
      'after',
      paragraphs(
        'With --json, values are in their saved form: plain JSON as it is, other values as {"$": "Date", ...}.',
      ),
    )
    .action((text: string | undefined, options: ShowOptions) =>
      withClient(options.store, async (client) => {
        const { group, key } = options
        if (group !== undefined) {
          if (text !== undefined || key !== undefined) throw new UsageError('give a pid or --group, not both')
          await showGroup(client, group, options.json === true)
          return
        }
        const details = await client.inspect(await findPid(client, text, options))
        const { awaited, kept, children, successors } = details
        if (options.json) {
          printJson({ ...inJson(details), awaited, kept, children, successors })
          return
        }
        await nameHandles(details.values)
        const superseding = successors.length === 0 ? await client.supersededBy(details.pid) : undefined
        printEscaped(inWords(details, Date.now(), screenOf(), superseding))
      }),
    )
}

/** The most handles in the values of a process whose class is read. */
const NAMED = 100

/** Reads the class of each process that the values refer to, which the handle then shows. */
export async function nameHandles(values: ProcessValues): Promise<void> {
  const found = new Set<Handle>()
  const seen = new Set<unknown>()
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || found.size === NAMED) return
    seen.add(value)
    if (isHandle(value)) found.add(value)
    else if (value instanceof Map) for (const entry of value) look(entry)
    else if (value instanceof Set) for (const member of value) look(member)
    else for (const member of Object.values(value)) look(member)
  }
  look(values)
  // The process may have been pruned: its handle then shows its pid alone.
  await Promise.allSettled(Array.from(found, (handle) => handle.refresh()))
}

type Handle = Pick<ProcessHandle, 'pid' | 'refresh'>

function isHandle(value: object): value is Handle {
  return (
    'pid' in value &&
    typeof value.pid === 'string' &&
    'refresh' in value &&
    typeof value.refresh === 'function'
  )
}
