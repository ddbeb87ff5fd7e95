import { shellWord } from './shell-word.ts'
import type { Attention, EngineStatus } from '../../index.ts'
import { paint } from './paint.ts'
import { PLAIN, type Screen } from './screen.ts'
import { withClockTimes } from './time.ts'
import { wrap } from './wrap.ts'
import { cut, oneLine } from '../../shared/terminal-text.ts'

/** Returns what needs attention in escaped lines, each with the command to run next. */
export function attentionText(
  attention: readonly Attention[],
  pids: ReadonlyMap<string, string> = new Map(),
  screen: Screen = PLAIN,
  now: number = Date.now(),
): string {
  if (attention.length === 0) return 'nothing needs attention'
  const lines = attention.flatMap((one) => [
    ...reasonLines(withClockTimes(inWords(withShortPid(one, pids)), now), screen),
    // A command is not cut: it is to be copied.
    `      ${oneLine(nextCommand(one, pids))}`,
  ])
  return [paint('needs attention', 'bold', screen), ...lines].join('\n')
}

/** The most lines of a reason. */
const LINES = 4

/** A reason, wrapped to the screen. A long one is cut: the command below shows all of it. */
function reasonLines(text: string, screen: Screen): string[] {
  const lines = wrap(`  ${oneLine(text)}`, screen.width, '  ').split('\n')
  const shown = lines.length > LINES ? [...lines.slice(0, LINES - 1), `${lines[LINES - 1]} …`] : lines
  return shown.map((line) => paint(cut(line, screen.width), 'yellow', screen))
}

/** The reason often names the process itself. */
function withShortPid(one: Attention, pids: ReadonlyMap<string, string>): Attention {
  const { pid, reason } = one
  if (pid === null || reason === null) return one
  return { ...one, reason: reason.replaceAll(pid, pids.get(pid) ?? pid) }
}

/** If no engine is alive, returns one entry for all processes that are ready, in place of one for each class. */
export function withoutEngine(
  attention: readonly Attention[],
  engines: readonly Pick<EngineStatus, 'alive'>[],
): readonly Attention[] {
  const ready = attention.filter(({ kind }) => kind === 'no engine')
  const [first] = ready
  if (first === undefined || engines.some(({ alive }) => alive)) return attention
  const count = ready.reduce((sum, one) => sum + one.count, 0)
  return attention.flatMap((one) =>
    one === first ? { ...one, name: null, count } : one.kind === 'no engine' ? [] : one,
  )
}

function inWords({ kind, name, count, reason, engine }: Attention): string {
  const one = count === 1
  const many = `${count.toLocaleString('en-US')} ${name ?? (one ? 'process' : 'processes')}`
  const why = reason === null ? '' : one ? `: ${reason}` : `, the newest: ${reason}`
  switch (kind) {
    case 'engine died':
      return `engine ${engine?.slice(-6)} has died${count === 0 ? '' : ` and holds ${many}`}; the next engine takes over from it`
    case 'kill overdue':
      return `${many} should have been killed by now`
    case 'no engine':
      return `${many} ${one ? 'is' : 'are'} ready, and ${reason ?? `no engine ${name === null ? 'runs' : 'has this class and version'}`}`
    case 'engine full':
      return `all slots of engine ${engine?.slice(-6)} are taken by long-running steps, ${reason ?? ''}; ${count.toLocaleString('en-US')} ${one ? 'process waits' : 'processes wait'} for a slot`
    case 'engine held':
      return `engine ${engine?.slice(-6)} starts nothing else, because ${reason ?? 'it runs a suspect'}; ${count.toLocaleString('en-US')} ${one ? 'process waits' : 'processes wait'} for it`
    case 'parked':
      return `${many} ${one ? 'is' : 'are'} parked${why}`
    case 'gave up':
      return `${many} ${one ? 'is' : 'are'} paused after failures${why}`
    case 'waits for itself':
      return `${many} ${one ? 'waits for itself' : 'wait for themselves'}, so ${one ? 'it' : 'they'} will never end`
    case 'failed':
      return `${many} failed within a day${why}`
  }
}

function nextCommand({ kind, name, count, pid }: Attention, pids: ReadonlyMap<string, string>): string {
  const short = pid === null ? null : (pids.get(pid) ?? pid)
  const ofClass = name === null ? '' : ` --class ${shellWord(name)}`
  const isOne = count === 1 && short !== null
  switch (kind) {
    case 'engine died':
    case 'no engine':
      return 'damson worker MODULE'
    case 'engine full':
    case 'engine held':
      return `damson explain ${shellWord(short ?? '')}`
    case 'kill overdue':
      return 'damson list --state killing'
    case 'parked':
      return isOne ? `damson explain ${shellWord(short)}` : `damson list --state parked${ofClass}`
    case 'gave up':
      return isOne ? `damson explain ${shellWord(short)}` : `damson list --state gave-up${ofClass}`
    case 'waits for itself':
      return isOne ? `damson kill ${shellWord(short)}` : `damson list --state waiting${ofClass}`
    case 'failed':
      return isOne ? `damson explain ${shellWord(short)}` : `damson list --state unrepaired${ofClass}`
  }
}
