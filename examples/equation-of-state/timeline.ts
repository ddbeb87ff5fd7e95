import type { EventRecord } from 'damson'

/** A kill, as the killer knows it. */
export type Kill = { readonly at: Date; readonly osPid: number }

/** A crash, as the history knows it: which step it hit, and how far into the step. */
export type Crash = {
  readonly kill: Kill
  /** The row that told that the step was about to run. Its `seq` tells one step from all others. */
  readonly step: EventRecord
  readonly millisecondsIntoStep: number
}

/**
 * The kills that hit a process in the middle of a step: its `running` row is older than the kill, and what follows it
 * is not the step's end but a `crashed` row.
 */
export function crashesWithinSteps(history: readonly EventRecord[], kills: readonly Kill[]): Crash[] {
  const crashed = history.flatMap((row, index) => (row.name === 'crashed' ? [index] : []))
  return crashed.flatMap((index, count) => {
    const kill = kills[count]
    const step = history[index - 1]
    if (kill === undefined || step?.name !== 'running') return []
    const millisecondsIntoStep = kill.at.getTime() - step.at.getTime()
    return millisecondsIntoStep > 0 ? [{ kill, step, millisecondsIntoStep }] : []
  })
}

/** Which step a `running` row stands for: the how-manieth, and the method's name. */
export function stepName(history: readonly EventRecord[], row: EventRecord): string {
  const steps = history.filter(({ name }) => name === 'running')
  return `step ${String(steps.indexOf(row) + 1).padStart(2)} ${methodOf(row)}`
}

/** The history of a process, a line for each thing that happened. */
export function timeline(history: readonly EventRecord[], kills: readonly Kill[]): string[] {
  const crashes = crashesWithinSteps(history, kills)
  const start = history[0]?.at.getTime() ?? 0
  const seconds = (at: Date): string => `${((at.getTime() - start) / 1000).toFixed(3)} s`.padStart(10)
  let step = ''
  let crash = 0
  return history.flatMap((row) => {
    switch (row.name) {
      case 'running':
        step = stepName(history, row)
        return `${seconds(row.at)}  ${step}`
      case 'crashed': {
        const hit = crashes[crash++]
        return hit === undefined
          ? `${seconds(row.at)}  CRASH noticed, between steps`
          : [
              `${seconds(hit.kill.at)}  ✗ SIGKILL to program ${hit.kill.osPid}, ${hit.millisecondsIntoStep} ms into ${step}`,
              `${seconds(row.at)}    crash noticed by the next program`,
            ]
      }
      case 'recovered':
        return `${seconds(row.at)}  ✓ recovered: ${step} runs again`
      default:
        return `${seconds(row.at)}  ${row.name}`
    }
  })
}

function methodOf(row: EventRecord): string {
  return (row.data as { step?: string } | undefined)?.step ?? ''
}
