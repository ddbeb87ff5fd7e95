import {
  checkOptions,
  hasAll,
  isAbortSignal,
  isDuration,
  type OptionNames,
  shown,
} from '../../shared/options.ts'
import { monotonic, type Clock } from '../../shared/clock.ts'
import { milliseconds } from '../../shared/duration.ts'
import type { TextSink } from '../host/display-options.ts'
import type { InteractiveOptions, GroupProgress, ProcessGroup } from '../host/process-group.ts'
import { endingsOf, type Description } from '../handle/titles.ts'
import type { Shown } from './progress-frame.ts'

/** A process whose progress is drawn. */
export interface Watched {
  readonly pid: string
  readonly name: string
  readonly state: Shown['state']
  describe(): Promise<Description>
}

/** A group whose progress is drawn. */
export interface WatchedGroup extends Pick<ProcessGroup, 'wait'> {
  readonly clock: Clock
  readonly watched: readonly Watched[]
  progress(): GroupProgress
}

const OPTIONS: OptionNames<InteractiveOptions> = {
  timeout: true,
  signal: isAbortSignal,
  returnWhen: true,
  interval: isDuration,
  onProgress: (what, value) => {
    if (typeof value !== 'function') throw new TypeError(`${what} is a function, not ${shown(value)}`)
  },
  out: hasAll('a stream', ['write']),
}

/** Milliseconds between two redraws on a terminal, and between two lines elsewhere. */
const PICTURE = 250
const LINE = 1_000

/** Draws on a terminal, or prints lines. */
interface Drawing {
  show(members: readonly Shown[], elapsed: number): void
  end(): void
}

/** Waits for a group as `wait` does, and meanwhile shows the progress of its processes. */
export async function waitInteractive(group: WatchedGroup, options: InteractiveOptions): Promise<boolean> {
  checkOptions(options, OPTIONS, 'group.waitInteractive')
  const { interval, onProgress, out = globalThis.process?.stderr, ...limits } = options
  const { clock } = group
  const began = monotonic(clock)
  const waiting = group.wait(limits)
  // Handled below; the drawing is prepared first.
  waiting.catch(() => {})
  const endings = endingsOf(group.watched.map(({ pid }) => pid))
  const titles = await titlesOf(group.watched)
  const drawing = out === undefined ? undefined : await drawingOn(out)
  const show = (): void => {
    const elapsed = monotonic(clock) - began
    const members = group.watched.map(({ pid, state }) => ({
      title: titles.get(pid) ?? '',
      ending: endings.get(pid) ?? pid,
      state,
    }))
    drawing?.show(members, elapsed)
    onProgress?.(group.progress(), elapsed)
  }
  const pause = milliseconds(interval ?? (isTerminal(out) ? PICTURE : LINE))
  let cancel: (() => void) | undefined
  const showAgain = (): void => {
    show()
    cancel = clock.after(pause, showAgain, 'look')
  }
  try {
    showAgain()
    const { done, pending } = await waiting
    show()
    return isEnough(options.returnWhen ?? 'all', done.length, pending.length, done)
  } finally {
    cancel?.()
    drawing?.end()
  }
}

function isEnough(
  returnWhen: NonNullable<InteractiveOptions['returnWhen']>,
  ended: number,
  left: number,
  done: readonly { exception(): unknown }[],
): boolean {
  if (left === 0) return true
  if (typeof returnWhen === 'number') return ended >= returnWhen
  if (returnWhen === 'first-completed') return ended > 0
  return returnWhen === 'first-failure' && done.some((handle) => handle.exception() !== null)
}

/** The label or class of each process that is there. The wait reports one that is not. */
async function titlesOf(members: readonly Watched[]): Promise<ReadonlyMap<string, string>> {
  const titles = await Promise.all(
    members.map(async (member) => {
      const described = await member.describe().catch(() => undefined)
      return described === undefined ? [] : [[member.pid, described.title] as const]
    }),
  )
  return new Map(titles.flat())
}

type Terminal = NodeJS.WriteStream

function isTerminal(out: TextSink | undefined): out is Terminal {
  return (out as Partial<Terminal> | undefined)?.isTTY === true
}

/** Loads log-update only here, since most programs never draw. */
async function drawingOn(out: TextSink): Promise<Drawing> {
  const { frame, plainLine } = await import('./progress-frame.ts')
  if (!isTerminal(out)) {
    let last = ''
    return {
      show(members) {
        const line = plainLine(members)
        if (line !== last) out.write(`${line}\n`)
        last = line
      },
      end() {},
    }
  }
  const { createLogUpdate } = await import('log-update')
  const draw = createLogUpdate(out)
  return {
    show(members, elapsed) {
      // A terminal that does not know its size reports 0.
      draw(frame(members, elapsed, { columns: out.columns || 80, rows: out.rows || 24 }))
    },
    end: () => draw.done(),
  }
}
