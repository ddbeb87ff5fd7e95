import type { Command } from 'commander'
import type { Client, ProcessSummary } from '../../index.ts'
import { wholeNumber, withClient, withStore, type StoreOptions } from '../input/options.ts'
import { note, printEscaped, printJson } from '../render/output.ts'
import { screenOf } from '../render/screen.ts'
import { findPid, type KeyOption, withPid } from '../read/find-pid.ts'
import { findRoots, readTree } from '../read/read-tree.ts'
import { pidsInTree, treeText, type ProcessTree } from '../render/tree-text.ts'
import { UsageError } from '../input/usage-error.ts'

interface TreeOptions extends StoreOptions, KeyOption {
  readonly all?: true
  readonly limit: number
}

export function addTree(program: Command): void {
  withPid(withStore(program.command('tree')))
    .description(
      'Show a process and all its descendants, with their steps and what they wait for; without a pid, all unfinished trees.',
    )
    .option('-a, --all', 'show all children; otherwise large numbers of them are only counted')
    .option('-n, --limit <number>', 'without a pid: show at most this many trees', wholeNumber, 20)
    .action((text: string | undefined, options: TreeOptions) =>
      withClient(options.store, (client) =>
        text === undefined && options.key === undefined
          ? showRoots(client, options)
          : showOne(client, text, options),
      ),
    )
}

async function showOne(client: Client, text: string | undefined, options: TreeOptions): Promise<void> {
  const pid = await findPid(client, text, options)
  const root = await client.find(pid)
  if (root === undefined) throw new UsageError(`there is no process ${pid} in this store any more`)
  const tree = await readTree(client, root, options.all === true)
  if (options.json) printJson(inJson(tree))
  else await printTrees(client, [tree])
}

async function showRoots(client: Client, options: TreeOptions): Promise<void> {
  const { roots, more } = await findRoots(client, options.limit)
  const trees: ProcessTree[] = []
  for (const root of roots) trees.push(await readTree(client, root, options.all === true))
  if (options.json) {
    printJson({ trees: trees.map(inJson), more })
    return
  }
  if (trees.length > 0) await printTrees(client, trees)
  else note('no process is unfinished; damson list --all shows ended ones')
  if (more) note(`there are more; --limit ${options.limit * 10} shows more of them`)
}

async function printTrees(client: Client, trees: readonly ProcessTree[]): Promise<void> {
  const pids = await client.shortPids([...new Set(trees.flatMap(pidsInTree))])
  const look = { now: Date.now(), pids, screen: screenOf() }
  printEscaped(trees.map((tree) => treeText(tree, look)).join('\n'))
}

interface TreeInJson extends ProcessSummary {
  readonly awaited: readonly string[]
  /** Oldest first. Null if there are too many; `childrenByState` then has their numbers. */
  readonly children: readonly TreeInJson[] | null
  readonly childrenByState?: ProcessTree['counts']
}

function inJson({ process, awaited, children, counts }: ProcessTree): TreeInJson {
  if (counts !== undefined) return { ...process, awaited, children: null, childrenByState: counts }
  return { ...process, awaited, children: children.map(inJson) }
}
