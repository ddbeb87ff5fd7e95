import type { StepLine } from '../log.ts'
import { Excuses } from './excuses.ts'
import { groupBy, type Finding, type Numbered, type World } from './world.ts'

type Step = Numbered & StepLine

/** One program at a time runs a process, one step after the other. */
export function checkSteps(world: World): Finding[] {
  const excuses = new Excuses(world)
  const steps = world.lines.filter((line): line is Step => line.what === 'step')
  return Array.from(
    groupBy(steps, ({ pid }) => pid),
    ([pid, own]) => checkOrder(pid, own, excuses),
  ).flat()
}

function checkOrder(pid: string, lines: readonly Step[], excuses: Excuses): Finding[] {
  const findings: Finding[] = []
  /** The last that began a step and had not stood still, and whether that step was ended by it or by one that began it later. */
  let last: { readonly line: Step; ended: boolean } | undefined
  const begun = new Map<string, Step>()
  for (const line of lines) {
    if (line.phase === 'end') {
      const begin = begun.get(line.by)
      if (
        last !== undefined &&
        begin?.k === last.line.k &&
        line.k === begin.k &&
        begin.index >= last.line.index
      )
        last.ended = true
      continue
    }
    begun.set(line.by, line)
    const where = `step ${line.k}, ${line.step}, line ${line.index + 1}`
    if (last !== undefined && line.k > last.line.k && !last.ended)
      findings.push({
        rule: 'a step begins when the one before it has ended',
        pid,
        what: `${where}, by ${line.by}, and ${last.line.by} runs step ${last.line.k}, line ${last.line.index + 1}`,
      })
    // Who stood still may begin what another has begun, or ended, meanwhile.
    if (excuses.stale(line)) continue
    if (last !== undefined && line.k < last.line.k)
      findings.push({
        rule: 'what has ended does not begin again',
        pid,
        what: `${where}, though step ${last.line.k} had begun, line ${last.line.index + 1}`,
      })
    last = { line, ended: false }
  }
  return findings
}
