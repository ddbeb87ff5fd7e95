import type { Command } from 'commander'
import { type Client, ProcessLost } from '../../index.ts'
import { UsageError } from '../input/usage-error.ts'
import { stateText } from '../render/state-text.ts'
import { columns } from '../render/table.ts'

/** Candidates that are shown, at most. */
const SHOWN = 10

/** The option of every command that takes a process. */
export interface KeyOption {
  readonly key?: string | undefined
}

/**
 * Adds the argument for a process, and the option that gives its key in place of the pid. The
 * further arguments of the command follow with `.argument`; `withoutPid` shifts them if no pid is
 * given.
 */
export function withPid(command: Command, { several = false } = {}): Command {
  return command
    .argument(
      several ? '[pid...]' : '[pid]',
      several
        ? 'the pids of processes, or unique beginnings or endings of them'
        : 'the pid of a process, or a unique beginning or ending of it',
    )
    .option('--key <key>', 'the process that was launched with this key, in place of a pid')
}

/**
 * Returns the arguments of a command, its pid first: undefined if the option gives a key instead. All arguments
 * are then one place further to the front.
 *
 * @throws UsageError for more arguments than the command takes
 */
export function withoutPid(
  given: readonly (string | undefined)[],
  { key }: KeyOption,
): readonly (string | undefined)[] {
  if (key === undefined) return given
  if (given.at(-1) !== undefined) throw new UsageError('give a pid or --key, not both')
  return [undefined, ...given.slice(0, -1)]
}

/**
 * Returns the pid of the process that a pid, a unique beginning or ending of one, or the option `--key` names.
 *
 * @throws UsageError unless there is exactly one
 */
export async function findPid(
  client: Client,
  text: string | undefined,
  { key }: KeyOption = {},
): Promise<string> {
  if (key !== undefined) {
    if (text !== undefined) throw new UsageError('give a pid or --key, not both')
    return pidOfKey(client, key)
  }
  // Every pid begins with an empty text, such as that of an unset variable.
  if (text === undefined || text === '')
    throw new UsageError('say which process: give its pid, or its key with --key')
  if ((await client.find(text)) !== undefined) return text
  const [first, ...others] = await client.pidsLike(text, SHOWN + 1)
  if (first === undefined) {
    const [named] = (await client.list({ key: text, limit: 1 })).processes
    const advice =
      named === undefined ? 'damson list --all shows what there is' : `it is a key: give it with --key`
    throw new UsageError(`there is no process ${text} in this store; ${advice}`)
  }
  if (others.length === 0) return first
  throw new UsageError(await ambiguous(client, text, [first, ...others]))
}

/** Returns the pids of these processes, each once. @throws UsageError for a text that does not name exactly one */
export async function findPids(
  client: Client,
  texts: readonly string[],
  options: KeyOption = {},
): Promise<readonly string[]> {
  const pids = texts.map((text) => findPid(client, text))
  if (options.key !== undefined) pids.push(findPid(client, undefined, options))
  return [...new Set(await Promise.all(pids))]
}

async function pidOfKey(client: Client, key: string): Promise<string> {
  try {
    return (await client.handle({ key })).pid
  } catch (error) {
    if (error instanceof ProcessLost)
      throw new UsageError(`${error.message}; damson list --all --text PART finds one by a part of its key`)
    throw error
  }
}

async function ambiguous(client: Client, text: string, pids: readonly string[]): Promise<string> {
  const rows: string[][] = []
  for (const pid of pids.slice(0, SHOWN)) {
    const found = await client.find(pid)
    if (found !== undefined) rows.push([pid, found.name, stateText(found.state)])
  }
  const more = pids.length > SHOWN ? '\n…' : ''
  return `several pids begin or end with ${text}; give more of it\n${columns(['PID', 'CLASS', 'STATE'], rows)}${more}`
}
