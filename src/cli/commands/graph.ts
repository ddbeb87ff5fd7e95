import type { Command } from 'commander'
import type { Client } from '../../index.ts'
import { flowchart } from '../render/flowchart.ts'
import { loadClasses, pick, type ProcessClasses } from '../input/load-module.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { findPid } from './find-pid.ts'
import { stateChart } from '../render/state-chart.ts'
import { currentPosition } from '../render/current-position.ts'
import { UsageError } from '../input/usage-error.ts'

interface GraphOptions extends StoreOptions {
  readonly pid?: string
  readonly states?: true
}

/** What is drawn. */
interface Picture {
  readonly class?: string
  readonly pid?: string
  readonly mermaid: string
}

export function addGraph(program: Command): void {
  withStore(program.command('graph'))
    .description('Draw the steps and ports of a process class as Mermaid text, without running anything.')
    .argument('[module]', 'a TypeScript or JavaScript file')
    .argument('[class]', 'which of the process classes that it exports, where there are several')
    .option('--pid <pid>', 'mark where this process is, with what it waits for')
    .option('--states', 'draw what states there are of a process, and which may follow which')
    .addHelpText(
      'after',
      `
Mermaid text is drawn by GitHub, by many editors, and by https://mermaid.live. The steps of a work chain are those of its
outline; of another class only the first is known, run.`,
    )
    .action(
      async (path: string | undefined, name: string | undefined, options: GraphOptions): Promise<void> => {
        const picture = await pictureOf(path, name, options)
        if (options.json) printJson(picture)
        else print(picture.mermaid)
      },
    )
}

/** The picture that these arguments ask for. @throws UsageError */
export async function pictureOf(
  path: string | undefined,
  name: string | undefined,
  { pid, states, store }: Pick<GraphOptions, 'pid' | 'states'> & { readonly store?: string },
): Promise<Picture> {
  if (states) {
    if (path !== undefined || pid !== undefined)
      throw new UsageError('--states are the same for all processes: give it alone')
    return { mermaid: stateChart() }
  }
  if (path === undefined) throw new UsageError('say what to draw: the file of a module, or --states')
  const classes = await loadClasses(path)
  if (pid === undefined || store === undefined) {
    const chosen = pick(classes, name, path)
    return { class: chosen.name, mermaid: flowchart(chosen.name, chosen.processClass.spec()) }
  }
  return withClient(store, async (client) =>
    ofProcess(client, await findPid(client, pid), classes, name, path),
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
