import type { Command } from 'commander'
import { PortValidationError, type ProcessSummary } from '../../index.ts'
import { isBulk, processes, requireTargets, withBulk, type BulkOptions } from '../input/bulk.ts'
import { readValue } from '../input/changes.ts'
import { filterOf, LIVE } from '../input/filters.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { codeOf, printPreview } from '../read/preview.ts'
import { pausedOnPurpose } from '../read/paused-on-purpose.ts'
import { findPid, type KeyOption, withoutPid, withPid } from '../read/find-pid.ts'
import { ExitCode } from '../input/exit-code.ts'
import { describeError, UsageError } from '../input/usage-error.ts'
import { paragraphs } from '../render/wrap.ts'

const HELP = `
The message is stored at once and kept until the process uses it, even if no worker is running. Write values that JSON
lacks in their saved form: {"$": "Date", "value": "2026-01-31T12:00:00.000Z"}. Exits with 1 if the process has
already ended.`

type ResumeOptions = StoreOptions & KeyOption
type SignalOptions = ResumeOptions & BulkOptions & { readonly deliberate?: true }
type Given = readonly (string | undefined)[]

/** Adds `signal` and `resume`. */
export function addSignalAndResume(program: Command): void {
  withBulk(
    withPid(withStore(program.command('signal'))),
    'all unfinished processes that no one has paused on purpose',
  )
    .description('Send a process a signal that its class declares.')
    .usage('[options] <pid> <name> [json]\n       damson signal [options] --all <name> [json]')
    .argument('[name]', 'the name of the signal')
    .argument('[json]', `the payload, such as 'true' or '{"by": "Ann"}'; none by default`)
    .option('--deliberate', 'with --all or --group: also those that someone has paused on purpose')
    .addHelpText('after', paragraphs(HELP))
    .action(
      (
        first: string | undefined,
        second: string | undefined,
        third: string | undefined,
        options: SignalOptions,
      ) =>
        isBulk(options)
          ? signalAll([first, second, third], options)
          : signal([first, second, third], options),
    )
  withPid(withStore(program.command('resume')))
    .description('Resume a process that is waiting to be resumed.')
    .argument('[json]', 'the value that the wait returns; none by default')
    .addHelpText(
      'after',
      paragraphs(`${HELP} A wait for a signal accepts only a value that the signal may have.`),
    )
    .action((first: string | undefined, second: string | undefined, options: ResumeOptions) =>
      withClient(options.store, async (client) => {
        const [text, json] = withoutPid([first, second], options)
        const value = valueOf(json, 'the value')
        const pid = await findPid(client, text, options)
        const waits = (await client.find(pid))?.waits
        const stored = await client.handle(pid).resume(value)
        if (options.json) printJson({ pid, stored })
        else if (stored) print(`${pid} the resume is stored for it`)
        else note(`${pid} has ended already, so there is nothing to resume`)
        if (stored && waits?.resume === false) note(keptText(pid, waits))
        process.exitCode = stored ? ExitCode.DONE : ExitCode.FAILED
      }),
    )
}

function signal(given: Given, options: SignalOptions): Promise<void> {
  const [text, name, json] = withoutPid(given, options)
  requireTargets(text === undefined ? [] : [text], options, 'signal')
  return withClient(options.store, async (client) => {
    const pid = await findPid(client, text, options)
    if (name === undefined) throw new UsageError('say which signal: give its name after the process')
    const payload = valueOf(json, 'the payload')
    try {
      await client.handle(pid).signal(name, payload)
    } catch (error) {
      if (payload !== undefined || !(error instanceof PortValidationError)) throw error
      throw new UsageError(`${describeError(error)}\nNo payload was given: it follows the name, as JSON`)
    }
    if (options.json) printJson({ pid, signal: name, stored: true })
    else print(`${pid} the signal ${name} is stored for it`)
  })
}

function signalAll([name, json, more]: Given, options: SignalOptions): Promise<void> {
  requireTargets(more === undefined ? [] : [more], options, 'signal')
  if (name === undefined) throw new UsageError('say which signal: damson signal --all NAME [JSON]')
  return withClient(options.store, async (client) => {
    const filter = filterOf(options, LIVE)
    const reached = { deliberate: options.deliberate === true }
    if (options.dryRun) {
      process.exitCode = await printPreview(client, 'signal', filter, { ...reached, json: options.json })
      return
    }
    const sent = await client.signalAll(filter, name, valueOf(json, 'the payload'), reached)
    const left = reached.deliberate ? 0 : await pausedOnPurpose(client, filter)
    if (options.json) printJson({ signal: name, sent, left })
    else print(`the signal ${name} is stored for ${processes(sent)}`)
    if (left > 0) note(`${left} paused on purpose get no signal; --deliberate reaches them too`)
    process.exitCode = await codeOf(client, 'signal', filter, sent)
  })
}

/** Why a resume did not end the wait of a process. */
function keptText(pid: string, { signal, inStep }: NonNullable<ProcessSummary['waits']>): string {
  const how = signal === null ? '' : `: damson signal ${pid} ${signal} does`
  return `it waits${inStep ? ' within its step' : ''} for something that a resume does not end${how}; the resume is kept for a later wait`
}

function valueOf(json: string | undefined, what: string): unknown {
  return json === undefined ? undefined : readValue(json, what)
}
