import type { Command } from 'commander'
import type { Client, StoreStatus } from '../../index.ts'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { attentionText, withoutEngine } from '../render/attention-text.ts'
import { printEscaped, printJson } from '../render/output.ts'
import { PLAIN, type Screen, screenOf } from '../render/screen.ts'
import { type Column, columns } from '../render/table.ts'
import { until } from '../render/time.ts'
import { paragraphs, wrap } from '../render/wrap.ts'
import { oneLine } from '../../shared/terminal-text.ts'

export function addStatus(program: Command): void {
  withStore(program.command('status'))
    .description('Show what a store holds: its processes by class, its engines, and what needs attention.')
    .addHelpText(
      'after',
      paragraphs(`
READY processes could continue, but no engine runs them. WAITING ones wait for an event or a time. FAILED ones excepted or
finished without success. A failure needs no attention once it is superseded, by retry, restart or resubmit. Each line on
what needs attention comes with the command to run next.`),
    )
    .action((options: StoreOptions) => withClient(options.store, (client) => status(client, options)))
}

async function status(client: Client, options: StoreOptions): Promise<void> {
  const found = await client.status()
  if (options.json) {
    printJson(found)
    return
  }
  const named = found.attention.flatMap(({ pid }) => pid ?? [])
  printEscaped(statusText(found, Date.now(), await client.shortPids(named), screenOf()))
}

const LIVE = ['ready', 'running', 'waiting', 'paused', 'parked'] as const
const ENDED = ['succeeded', 'killed', 'failed'] as const
const NUMBERS = [...LIVE, ...ENDED] as const
type Numbered = (typeof NUMBERS)[number]

/** Returns tables of classes and engines, and what needs attention, in escaped lines. */
export function statusText(
  { classes, waits, engines, attention }: StoreStatus,
  now: number,
  pids: ReadonlyMap<string, string> = new Map(),
  screen: Screen = PLAIN,
): string {
  const parts = [wrap(totals(classes), screen.width)]
  if (classes.length > 0) {
    const headings: readonly (string | Column)[] = [
      { heading: 'CLASS', least: 8 },
      ...NUMBERS.map((name): Column => ({ heading: name.toUpperCase(), align: 'right' })),
    ]
    const rows = classes.map((one) => [one.name, ...NUMBERS.map((name) => number(one[name]))])
    parts.push(columns(headings, rows, screen))
  }
  if (waits.length > 0) parts.push(wrap(waitsText(waits), screen.width))
  if (engines.length > 0) {
    const hasLabels = engines.some(({ labels }) => labels.length > 0)
    const rows = engines.map(
      ({ id, host, osPid, used, concurrency, alive, leaseEnds, classes: names, labels }) => [
        id.slice(-6),
        `${osPid} on ${host}`,
        concurrency > 0 ? `${used} of ${concurrency}` : String(used),
        alive ? until(leaseEnds, now) : 'over',
        names.join(', '),
        ...(hasLabels ? [labels.join(', ')] : []),
      ],
    )
    const headings: readonly (string | Column)[] = [
      'ENGINE',
      { heading: 'PROGRAM', least: 8, drop: 2 },
      { heading: 'SLOTS', align: 'right' },
      { heading: 'LEASE', align: 'right', style: (cell) => (cell === 'over' ? 'red' : undefined) },
      { heading: 'CLASSES', most: 120, least: 8, drop: 1 },
      ...(hasLabels ? ['LABELS'] : []),
    ]
    parts.push(columns(headings, rows, screen))
  } else parts.push('no engine runs: damson worker MODULE starts one')
  parts.push(attentionText(withoutEngine(attention, engines), pids, screen, now))
  return parts.join('\n\n')
}

/** `5,000 processes: 1,200 unfinished (200 ready, 1,000 waiting), 3,800 ended (3,700 succeeded, 100 failed)`. */
function totals(classes: StoreStatus['classes']): string {
  const sum = (names: readonly Numbered[]): number =>
    classes.reduce((total, one) => names.reduce((own, name) => own + one[name], total), 0)
  const part = (what: string, names: readonly Numbered[]): string => {
    const each = names.filter((name) => sum([name]) > 0).map((name) => `${number(sum([name]))} ${name}`)
    return `${number(sum(names))} ${what}${each.length === 0 ? '' : ` (${each.join(', ')})`}`
  }
  const all = sum(NUMBERS)
  return `${number(all)} ${all === 1 ? 'process' : 'processes'}: ${part('unfinished', LIVE)}, ${part('ended', ENDED)}`
}

const WAITS = {
  signal: 'the signal',
  processes: 'other processes',
  time: 'a time',
  resume: 'a resume',
  attempt: 'the next attempt',
  inputs: 'their inputs',
  start: 'a delayed start',
  turn: 'the turn of a call',
  calls: 'calls',
} as const

/** `1,205 wait for a time, 26 for the signal approval`. */
function waitsText(waits: StoreStatus['waits']): string {
  const each = waits.map(({ for: kind, name, count }, index) => {
    const verb = index > 0 ? '' : count === 1 ? ' waits' : ' wait'
    return `${number(count)}${verb} for ${WAITS[kind]}${name === null ? '' : ` ${oneLine(name)}`}`
  })
  return each.join(', ')
}

function number(count: number): string {
  return count.toLocaleString('en-US')
}
