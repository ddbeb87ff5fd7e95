import type { Client, EventRecord } from 'damson'

/** A kill, as the killer knows it. */
export type Kill = { readonly at: Date; readonly osPid: number }

/** A crash of a process, as its history knows it: which step it hit, and how far into the step. */
export type Crash = {
  readonly kill: Kill
  /** The row that tells that the process crashed. */
  readonly row: EventRecord
  /** The row that told that the step was about to run. */
  readonly step: EventRecord
  readonly millisecondsIntoStep: number
}

/** What happened to a process and to those that it launched. */
export type Story = {
  /** All their histories in one, in the order of time. */
  readonly rows: readonly EventRecord[]
  /** What the processes are called, by their pids. */
  readonly names: ReadonlyMap<string, string>
}

export async function readStory(client: Client, pid: string): Promise<Story> {
  const { processes } = await client.list({ parent: pid, limit: 1000 })
  const children = processes.map((child) => [child.pid, child.label ?? ''] as const)
  const names = new Map([...children.toSorted(([, a], [, b]) => (a < b ? -1 : 1)), [pid, 'argon']])
  const histories = await Promise.all([...names.keys()].map((one) => client.history(one)))
  const rows = histories.flat().toSorted((a, b) => a.at.getTime() - b.at.getTime())
  return { rows, names }
}

/**
 * The crashes that hit a process in the middle of a step: its `running` row is older than the kill, and what follows it is not the step's
 * end but a `crashed` row.
 */
export function crashesWithinSteps({ rows }: Story, kills: readonly Kill[]): Crash[] {
  return rows.flatMap((row, index) => {
    if (row.name !== 'crashed') return []
    const kill = kills.findLast(({ at }) => at <= row.at)
    const step = rows.slice(0, index).findLast(({ pid }) => pid === row.pid)
    if (kill === undefined || step?.name !== 'running') return []
    const millisecondsIntoStep = kill.at.getTime() - step.at.getTime()
    return millisecondsIntoStep > 0 ? [{ kill, row, step, millisecondsIntoStep }] : []
  })
}

/** The story, a line for each thing that happened. */
export function timeline(story: Story, kills: readonly Kill[]): string[] {
  const { rows, names } = story
  const crashes = crashesWithinSteps(story, kills)
  const start = rows[0]?.at.getTime() ?? 0
  const width = Math.max(...Array.from(names.values(), (name) => name.length))
  const steps = new Map<string, string>()
  const lines: { readonly at: Date; readonly text: string }[] = []
  const add = (at: Date, pid: string, text: string): void => {
    const seconds = ((at.getTime() - start) / 1000).toFixed(3).padStart(7)
    lines.push({ at, text: `${seconds} s  ${(names.get(pid) ?? '').padEnd(width)}  ${text}` })
  }
  for (const row of rows) {
    const { pid, at, name } = row
    const step = steps.get(pid) ?? ''
    if (name === 'running') {
      steps.set(pid, stepOf(row))
      add(at, pid, stepOf(row))
    } else if (name === 'crashed') {
      const hit = crashes.find((crash) => crash.row === row)
      if (hit === undefined) add(at, pid, 'CRASH noticed, between steps')
      else {
        const { kill, millisecondsIntoStep } = hit
        add(kill.at, pid, `✗ SIGKILL to program ${kill.osPid}, ${millisecondsIntoStep} ms into ${step}`)
        add(at, pid, '  crash noticed by the next program')
      }
    } else add(at, pid, name === 'recovered' ? `✓ recovered: ${step} runs again` : name)
  }
  // A crash is known of after the kill.
  return lines.toSorted((a, b) => a.at.getTime() - b.at.getTime()).map(({ text }) => text)
}

/** Where in its outline the process is. */
function stepOf(row: EventRecord): string {
  return (row.data as { step?: string } | undefined)?.step ?? ''
}
