import type { Command } from 'commander'
import type { EditedValue, JsonValue } from '../../index.ts'
import { readValue, withPaths } from '../input/changes.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, print, printJson } from '../render/output.ts'
import { UsageError } from '../input/usage-error.ts'
import { findPid, type KeyOption, withoutPid, withPid } from '../read/find-pid.ts'
import { paragraphs } from '../render/wrap.ts'

type Given = [string | undefined, string | undefined, string | undefined]

export function addEdit(program: Command): void {
  withPid(withStore(program.command('edit')))
    .description('Change a saved value of an unfinished process that is not running a step.')
    .argument('[path]', 'where the value is: ctx.limit, ctx.jobs[3].host, args[0]')
    .argument('[json]', `the new value, such as 20, '"text"' or '{"by": "Ann"}'`)
    .addHelpText(
      'after',
      paragraphs(`
Changes the context (ctx) or the arguments of the next step (args). The process must be created, waiting or paused: pause
a running one first. damson show prints what is there; damson history shows who changed what. Write values that JSON
lacks in their saved form: {"$": "Date", "value": "2026-01-31T12:00:00.000Z"}. An ended process never changes: damson
restart --set ctx.limit=20 and damson resubmit --set inputs.amount=3 make a new process with other values.`),
    )
    .action((...[first, second, third, options]: [...Given, StoreOptions & KeyOption]) =>
      withClient(options.store, async (client) => {
        const [text, path, json] = withoutPid([first, second, third], options)
        const pid = await findPid(client, text, options)
        if (path === undefined || json === undefined)
          throw new UsageError('say what to change, and the new value: damson edit PID ctx.limit 20')
        if (/^inputs\b/.test(path))
          throw new UsageError(
            `the inputs of a process never change: once it has ended, damson resubmit ${pid} --set ${path}=VALUE makes a new process with other inputs`,
          )
        const value = readValue(json, path)
        // The client checks the path.
        const edited = await withPaths(() => client.edit(pid, { [path]: value }))
        if (options.json) printJson({ pid, edited })
        else if (edited.length === 0) note(`${pid} ${path} has this value already`)
        else for (const one of edited) print(`${pid} ${editText(one)}`)
        const { paused } = await client.handle(pid).refresh()
        if (paused) note(`it is paused: damson play ${pid} lets it continue with this value`)
      }),
    )
}

function editText({ path, before, after }: EditedValue): string {
  return `${path}: ${before === undefined ? 'nothing' : short(before)} -> ${short(after)}`
}

function short(value: JsonValue): string {
  const text = JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
