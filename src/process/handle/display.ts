import { DISPLAY_OPTIONS, type DisplayOptions, type TextSink } from '../host/display-options.ts'
import type { FollowOptions } from '../host/follow-options.ts'
import type { LogChunk } from '../host/process-handle.ts'
import { ProcessLost } from '../../shared/errors.ts'
import { checkOptions } from '../../shared/options.ts'
import { oneLine } from '../../shared/terminal-text.ts'
import { endingsOf, grouped, type Description } from './titles.ts'

/** A process whose output is displayed. */
export interface Displayed {
  readonly pid: string
  readonly done: boolean
  describe(): Promise<Description>
  refresh(): Promise<unknown>
  exception(): Error | null
  logs(options: FollowOptions): AsyncIterable<LogChunk>
}

/** The most failures that are shown; the others are counted. */
const MOST_FAILURES = 4

/**
 * Writes what processes have printed, and with `follow` what they print until they end. Then writes
 * the errors of failed processes to stderr, four at most. Wherever the process changes, the line
 * has a label: `[relaxation, 1a2b3c] converged`.
 *
 * @throws TypeError for wrong options, or if the program has no standard output
 */
export async function display(members: readonly Displayed[], options: DisplayOptions): Promise<void> {
  checkOptions(options, DISPLAY_OPTIONS, 'display')
  const { groupBy = 'type', follow = false, signal } = options
  signal?.throwIfAborted()
  const lost = new Map<string, ProcessLost>()
  const described = await describeAll(members, lost)
  const screen = new LabelledScreen(sinksOf(options), described)
  const stored = members.filter(({ pid }) => !lost.has(pid))
  if (groupBy === 'type' && !follow) {
    for (const stream of ['stdout', 'stderr'] as const)
      for (const member of stored) await show(member, screen, { signal }, stream)
  } else {
    const ordered = groupBy === 'worker' ? byWorker(stored, described) : stored
    const shown: (readonly [Displayed, number])[] = []
    for (const member of ordered) shown.push([member, await show(member, screen, { signal })])
    if (follow)
      await Promise.all(shown.map(([member, after]) => show(member, screen, { signal, follow, after })))
  }
  await showFailures(members, lost, screen)
}

/** Describes the processes. Those that are not in the store are added to `lost`, and named by their pids. */
async function describeAll(
  members: readonly Displayed[],
  lost: Map<string, ProcessLost>,
): Promise<ReadonlyMap<string, Description>> {
  const all = members.map(async (member) => {
    const { pid } = member
    try {
      return [pid, await member.describe()] as const
    } catch (error) {
      if (!(error instanceof ProcessLost)) throw error
      lost.set(pid, error)
      return [pid, { title: 'lost', worker: undefined }] as const
    }
  })
  return new Map(await Promise.all(all))
}

/** Writes the log of a process. Returns the number of the last entry. */
async function show(
  member: Displayed,
  screen: LabelledScreen,
  options: FollowOptions,
  stream?: LogChunk['stream'],
): Promise<number> {
  let last = options.after ?? 0
  for await (const chunk of member.logs(options)) {
    last = chunk.n
    if (stream === undefined || chunk.stream === stream) screen.write(chunk)
  }
  return last
}

function byWorker(
  members: readonly Displayed[],
  described: ReadonlyMap<string, Description>,
): readonly Displayed[] {
  const workers = grouped(members, ({ pid }) => described.get(pid)?.worker)
  return [...workers.values()].flat()
}

async function showFailures(
  members: readonly Displayed[],
  lost: ReadonlyMap<string, ProcessLost>,
  screen: LabelledScreen,
): Promise<void> {
  const left = members.filter(({ pid, done }) => !done && !lost.has(pid))
  await Promise.all(left.map((member) => member.refresh()))
  const failures = members.flatMap((member) => {
    const error = lost.get(member.pid) ?? (member.done ? member.exception() : null)
    return error === null ? [] : [{ pid: member.pid, text: `${failureText(error)}\n` }]
  })
  for (const { pid, text } of failures.slice(0, MOST_FAILURES)) screen.write({ pid, stream: 'stderr', text })
  const more = failures.length - MOST_FAILURES
  if (more > 0) screen.note(`and ${more} more ${more === 1 ? 'process has' : 'processes have'} failed\n`)
}

/** The error of the process's own code, if there is one; the label names the process. */
function failureText(error: Error): string {
  const { name, message } = error.cause instanceof Error ? error.cause : error
  return `${name}: ${message}`
}

/** Writes texts, with a label wherever the previous text came from another process. */
class LabelledScreen {
  readonly #sinks: Readonly<Record<LogChunk['stream'], TextSink>>
  readonly #labels: ReadonlyMap<string, string>
  /** The process that has written to each sink last. */
  readonly #last = new Map<TextSink, string>()

  constructor(
    sinks: Readonly<Record<LogChunk['stream'], TextSink>>,
    described: ReadonlyMap<string, Description>,
  ) {
    this.#sinks = sinks
    const endings = endingsOf([...described.keys()])
    this.#labels = new Map(
      Array.from(described, ([pid, { title }]) => [pid, `[${oneLine(title)}, ${endings.get(pid) ?? pid}] `]),
    )
  }

  write({ pid, stream, text }: Pick<LogChunk, 'pid' | 'stream' | 'text'>): void {
    const sink = this.#sinks[stream]
    const isSame = this.#last.get(sink) === pid
    this.#last.set(sink, pid)
    sink.write(isSame ? text : `${this.#labels.get(pid) ?? ''}${text}`)
  }

  note(text: string): void {
    this.#last.delete(this.#sinks.stderr)
    this.#sinks.stderr.write(text)
  }
}

/** The caller asks for output, so it may go to the standard output of the program. */
function sinksOf({ stdout, stderr }: DisplayOptions): Readonly<Record<LogChunk['stream'], TextSink>> {
  const program = globalThis.process as Partial<Record<LogChunk['stream'], TextSink>> | undefined
  const [out, err] = [stdout ?? program?.stdout, stderr ?? program?.stderr]
  if (out === undefined || err === undefined)
    throw new TypeError('display: there is no standard output here, so give `stdout` and `stderr`')
  return { stdout: out, stderr: err }
}
