import type { Command } from 'commander'
import type { Client } from '../../index.ts'
import { flowchart } from '../render/flowchart.ts'
import { loadClasses, pick, type ProcessClasses } from '../input/load-module.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid, type KeyOption } from '../read/find-pid.ts'
import { stateChart } from '../render/state-chart.ts'
import { currentPosition } from '../render/current-position.ts'
import { UsageError } from '../input/usage-error.ts'
import { paragraphs } from '../render/wrap.ts'

interface GraphOptions extends StoreOptions, KeyOption {
  readonly pid?: string
  readonly states?: true
}

/** The answer of `damson graph`. */
interface Picture {
  readonly class?: string
  readonly pid?: string
  readonly mermaid: string
}

export function addGraph(program: Command): void {
  withStore(program.command('graph'))
    .description('Draw the steps and ports of a process class as Mermaid text, without running anything.')
    .argument('[module]', 'a TypeScript or JavaScript file')
    .argument('[class]', 'the process class to draw, if the module exports several')
    .option('--pid <pid>', 'mark the position of this process, and what it waits for')
    .option('--key <key>', 'as --pid, for the process that was launched with this key')
    .option('--states', 'draw the states of a process and the transitions between them')
    .addHelpText(
      'after',
      paragraphs(`
GitHub, many editors and https://mermaid.live draw Mermaid text. The steps of a work chain come from its outline. Of any
other class only the first step, run, is known.`),
    )
    .action(
      async (path: string | undefined, name: string | undefined, options: GraphOptions): Promise<void> => {
        const picture = await pictureOf(path, name, options)
        if (options.json) printJson(picture)
        else print(picture.mermaid)
      },
    )
}

/** Returns the picture that the arguments ask for. @throws UsageError */
export async function pictureOf(
  path: string | undefined,
  name: string | undefined,
  { pid, key, states, store }: Pick<GraphOptions, 'pid' | 'key' | 'states'> & { readonly store?: string },
): Promise<Picture> {
  if (states) {
    if (path !== undefined || pid !== undefined || key !== undefined)
      throw new UsageError('--states are the same for all processes: give it alone')
    return { mermaid: stateChart() }
  }
  if (path === undefined) throw new UsageError('say what to draw: the file of a module, or --states')
  const classes = await loadClasses(path)
  if ((pid === undefined && key === undefined) || store === undefined) {
    const chosen = pick(classes, name, path)
    return { class: chosen.name, mermaid: flowchart(chosen.name, chosen.processClass.spec()) }
  }
  return withClient(store, async (client) =>
    ofProcess(client, await findPid(client, pid, { key }), classes, name, path),
  )
}

async function ofProcess(
  client: Client,
  pid: string,
  classes: ProcessClasses,
  name: string | undefined,
  path: string,
): Promise<Picture> {
  const details = await client.inspect(pid)
  const className = details.name
  if (name !== undefined && name !== className) {
    throw new UsageError(`process ${pid} is of class ${className}, not ${name}`)
  }
  const { processClass } = pick(classes, className, path)
  const position = currentPosition(details, Date.now())
  return { class: className, pid, mermaid: flowchart(className, processClass.spec(), position) }
}
