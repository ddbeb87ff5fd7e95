import type { Command } from 'commander'
import type { ActorRef, Client, ProcessHandle, ProcessSummary } from '../../index.ts'
import { readValue } from '../input/changes.ts'
import { duration, wholeNumber, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { ExitCode } from '../input/exit-code.ts'
import { UsageError } from '../input/usage-error.ts'
import { note, pretty, print, printEscaped, printJson } from '../render/output.ts'
import { paragraphs } from '../render/wrap.ts'
import { screenOf } from '../render/screen.ts'
import { processStateText } from '../render/state-text.ts'
import { columns } from '../render/table.ts'
import { ago } from '../render/time.ts'
import { statusText } from '../render/wait-text.ts'
import { collect } from '../read/collect.ts'
import { findPid } from '../read/find-pid.ts'
import { LIVE } from '../input/filters.ts'

const HELP = `
The call is stored at once and kept until a worker that has the class of the actor runs it. A list is the list of the
arguments; any other value is the one argument. Write values that JSON lacks in their saved form: {"$": "Date", "value":
"2026-01-31T12:00:00.000Z"}. With --wait, prints what the method returned, and exits with 1 if the call failed or the time
limit passed.`

interface ActorsOptions extends StoreOptions {
  readonly all?: true
  readonly limit: number
  readonly after?: string
}

interface CallingOptions extends StoreOptions {
  readonly wait?: true
  readonly timeout?: number
  readonly label?: string
}

/** Adds `actors` and `call`. */
export function addActors(program: Command): void {
  withStore(program.command('actors'))
    .description('List actors, newest first, with the calls that they have not run yet.')
    .option('-a, --all', 'include actors that have ended')
    .option('-n, --limit <number>', 'show at most this many', wholeNumber, 50)
    .option('--after <cursor>', 'continue after an earlier list, with the cursor that it printed')
    .action((options: ActorsOptions) => withClient(options.store, (client) => listActors(client, options)))
  withStore(program.command('call'))
    .description('Call a method of an actor.')
    .argument('<actor>', 'the id of the actor, or a unique beginning or ending of it')
    .argument('<method>', 'the name of the method')
    .argument('[json]', `the arguments, such as '[1, "x"]'; none by default`)
    .option('--wait', 'wait for the result and print it')
    .option('--timeout <duration>', 'with --wait: how long to wait, such as 30s', duration)
    .option('--label <label>', 'a label for the call')
    .addHelpText('after', paragraphs(HELP))
    .action(async (actor: string, method: string, json: string | undefined, options: CallingOptions) => {
      process.exitCode = await withClient(options.store, (client) =>
        call(client, actor, method, json, options),
      )
    })
}

async function listActors(client: Client, options: ActorsOptions): Promise<void> {
  const filter = { actor: true, ...(options.all !== true && { state: LIVE }) }
  const { processes, next } = await collect(client, filter, options.limit, options.after).catch(
    (error: unknown) => {
      if (!(error instanceof RangeError) || options.after === undefined) throw error
      throw new UsageError(`--after takes what an earlier list printed, and not ${options.after}`)
    },
  )
  if (options.json) {
    printJson({ actors: processes, ...(next !== undefined && { next }) })
    return
  }
  if (processes.length === 0) note('there are no actors')
  else {
    const pids = await client.shortPids(processes.map(({ pid }) => pid))
    printEscaped(actorTable(processes, pids))
  }
  if (next !== undefined) note(`there are more: --after ${next} shows the next ones; or raise --limit`)
}

function actorTable(actors: readonly ProcessSummary[], pids: ReadonlyMap<string, string>): string {
  const now = Date.now()
  const rows = actors.map((one) => [
    pids.get(one.pid) ?? one.pid,
    one.name,
    processStateText(one),
    String(one.mailbox?.calls ?? 0),
    statusText(one, now),
    ago(one.created, now),
  ])
  const headings = [
    { heading: 'ACTOR', most: 40, least: 13 },
    { heading: 'CLASS', least: 6 },
    { heading: 'STATE', most: 30 },
    { heading: 'CALLS', align: 'right' as const },
    { heading: 'STATUS', most: 120, least: 16, drop: 1 },
    { heading: 'AGE', align: 'right' as const },
  ]
  return columns(headings, rows, screenOf())
}

async function call(
  client: Client,
  text: string,
  method: string,
  json: string | undefined,
  options: CallingOptions,
): Promise<number> {
  const id = await findPid(client, text)
  const actor = await client.find(id)
  if (actor?.mailbox == null)
    throw new UsageError(`${actor?.name ?? 'process'} ${id} is not an actor; damson actors lists the actors`)
  if (options.timeout !== undefined && options.wait !== true) throw new UsageError('--timeout is for --wait')
  const given = json === undefined ? [] : readValue(json, 'the list of arguments')
  const args = Array.isArray(given) ? given : [given]
  const handle = send(client.actorById(actor.name, id), method, args, options.label)
  await handle.submitted()
  if (options.wait !== true) {
    if (options.json) printJson({ pid: handle.pid, actor: id, stored: true })
    else print(`${handle.pid} the call is stored for ${actor.name} ${id}`)
    return ExitCode.DONE
  }
  const result: unknown = await handle.result({ timeout: options.timeout })
  if (options.json) printJson({ pid: handle.pid, actor: id, result })
  else if (result !== undefined) printEscaped(pretty(result, screenOf()))
  return ExitCode.DONE
}

/** @throws UsageError for a method that can't be called, or a label that is not text */
function send(
  actor: ActorRef<Record<string, (...args: never[]) => unknown>>,
  method: string,
  args: readonly unknown[],
  label: string | undefined,
): ProcessHandle {
  try {
    return actor.send(method, args, { label })
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}
