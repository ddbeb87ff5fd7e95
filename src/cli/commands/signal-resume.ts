import type { Command } from 'commander'
import { Codec, type JsonValue } from '../../index.ts'
import { parseJson } from '../input/parse-json.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { findPid, type KeyOption, withoutPid, withPid } from './find-pid.ts'
import { ExitCode, UsageError } from '../input/usage-error.ts'

type Options = StoreOptions & KeyOption

const HELP = `
The message is stored at once and kept until the process uses it, even if no worker is running. Write values that JSON
lacks in their saved form: {"$": "Date", "value": "2026-01-31T12:00:00.000Z"}. Exits with 1 if the process has
already ended.`

/** Adds `signal` and `resume`. */
export function addSignalAndResume(program: Command): void {
  withPid(withStore(program.command('signal')))
    .description('Send a process a signal that its class declares.')
    .argument('[name]', 'the name of the signal')
    .argument('[json]', `the payload, such as 'true' or '{"by": "Ann"}'; none by default`)
    .addHelpText('after', HELP)
    .action(
      (first: string | undefined, second: string | undefined, third: string | undefined, options: Options) =>
        withClient(options.store, async (client) => {
          const [text, name, json] = withoutPid([first, second, third], options)
          const pid = await findPid(client, text, options)
          if (name === undefined) throw new UsageError('say which signal: give its name behind the process')
          const payload = valueOf(json, 'the payload')
          await client.handle(pid).signal(name, payload)
          if (options.json) printJson({ pid, signal: name, stored: true })
          else print(`${pid} the signal ${name} is stored for it`)
        }),
    )
  withPid(withStore(program.command('resume')))
    .description('Resume a process that is waiting to be resumed.')
    .argument('[json]', 'the value that the wait returns; none by default')
    .addHelpText('after', HELP)
    .action((first: string | undefined, second: string | undefined, options: Options) =>
      withClient(options.store, async (client) => {
        const [text, json] = withoutPid([first, second], options)
        const value = valueOf(json, 'the value')
        const pid = await findPid(client, text, options)
        const stored = await client.handle(pid).resume(value)
        if (options.json) printJson({ pid, stored })
        else if (stored) print(`${pid} the resume is stored for it`)
        else note(`${pid} has ended already, so there is nothing to resume`)
        process.exitCode = stored ? ExitCode.DONE : ExitCode.FAILED
      }),
    )
}

function valueOf(json: string | undefined, what: string): unknown {
  return json === undefined ? undefined : new Codec().decode(parseJson(json, what) as JsonValue, what)
}
