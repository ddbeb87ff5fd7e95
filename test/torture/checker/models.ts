import { isActor, isAtRest, isCall } from './actors.ts'
import { groupBy, root, type Finding, type Stored, type World } from './world.ts'

/*
 * What each kind of process comes to, said independently of its code: its sum, and the effects that it does, each with the number of its step.
 */

interface Model {
  readonly sum: number
  readonly effects: readonly (readonly [k: number, name: string])[]
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** The sum of 1 to n. */
const upTo = (n: number): number => (n * (n + 1)) / 2

function modelOf(process: Stored, children: readonly Stored[], upstream?: Stored): Model | string {
  const n = Number(process.inputs['n'])
  switch (process.class) {
    case 'Steps':
      return { sum: upTo(n), effects: times(n, (index) => [index + 1, 'add']) }
    case 'Slow':
    case 'Blocker':
      return {
        sum: n,
        effects: [
          [0, 'before'],
          [0, 'after'],
        ],
      }
    case 'Idle':
      return { sum: n, effects: [] }
    case 'Taker':
      return upstream?.state === 'finished'
        ? { sum: n + Number(upstream.outputs['sum']), effects: [[0, 'take']] }
        : `it finished though ${upstream?.pid} is ${upstream?.state}`
    case 'Caller':
      return { sum: n, effects: [[0, 'called']] }
    case 'Branches':
      return {
        sum: n,
        effects: times(n, (index) => [
          [0, `b${index}/charge`] as const,
          [0, `b${index}/settle`] as const,
        ]).flat(),
      }
    case 'Stubborn':
      return {
        sum: n,
        effects: [
          [0, 'try'],
          [0, 'done'],
        ],
      }
    case 'Hasty':
      return {
        sum: n,
        effects: [
          [0, 'before'],
          [1, 'after'],
        ],
      }
    case 'Sleeper':
      return { sum: n, effects: times(n, (index) => [0, `dream ${index}`]) }
    case 'Parent': {
      const waits = process.inputs['how'] === 'wait'
      if (children.length !== n) return `it has ${children.length} children, not ${n}`
      const failed = children.filter(({ state }) => state !== 'finished')
      if (!waits && failed.length > 0) return `it finished though ${failed[0]?.pid} is ${failed[0]?.state}`
      const sum = children.reduce(
        (sum, child) => sum + (child.state === 'finished' ? Number(child.outputs['sum']) : 0),
        0,
      )
      return { sum, effects: waits ? [[1, 'gathered']] : [[0, 'joined']] }
    }
    case 'Listener': {
      const got = process.outputs['got']
      if (!Array.isArray(got) || got.length !== n) return `it got ${JSON.stringify(got)}, not ${n} signals`
      const waits = process.inputs['how'] === 'wait'
      return { sum: n, effects: times(n, (index) => (waits ? [index + 1, 'heard'] : [0, `heard ${index}`])) }
    }
    case 'Asker': {
      const got = process.outputs['got']
      if (!Array.isArray(got) || got.length !== n) return `it got ${JSON.stringify(got)}, not ${n} answers`
      return { sum: n, effects: times(n, (index) => [index + 1, 'answered']) }
    }
    case 'Racer': {
      const got = process.outputs['got']
      if (!Array.isArray(got) || got.length > 1) return `it got ${JSON.stringify(got)}`
      return { sum: got.length, effects: [[0, 'decided']] }
    }
    case 'Flaky':
      return {
        sum: n + 1,
        effects: [
          [0, 'first'],
          [0, 'last'],
        ],
      }
    case 'Failing':
      return {
        sum: n,
        effects: [
          [0, 'reserve'],
          [1, 'charge'],
          [1, 'book'],
        ],
      }
    case 'Chain': {
      if (children.length !== n) return `it has ${children.length} children, not ${n}`
      const rounds = times(n, (index) => upTo(index + 1)).reduce((sum, part) => sum + part, 0)
      return {
        sum: rounds + (n % 2 === 1 ? 100 : 200),
        effects: [[0, 'begin'], ...times(n, (index) => [2 * index + 2, 'count'] as const)],
      }
    }
    case 'Evolving':
      return {
        sum: 2 * n,
        effects: [
          [0, 'begin'],
          [1, 'second'],
        ],
      }
    case 'Brood':
    case 'Doomed':
      return 'it finished though it was killed'
    default:
      return `nobody knows what a ${process.class} is`
  }
}

/** Every process has ended as its class, its inputs and what was done to it say. */
export function checkOutcomes(world: World): Finding[] {
  const findings: Finding[] = []
  const all = Array.from(world.processes.values())
  const children = groupBy(all, ({ parent }) => parent)
  const recorded = new Map<string, string>()
  for (const line of world.lines)
    if (line.what === 'recorded') recorded.set(`${root(world, line.pid)} ${line.k} ${line.name}`, line.token)
  const isClockSetBack = world.lines.some(
    (line) => line.what === 'fault' && line.fault === 'clock' && line.detail?.startsWith('-') === true,
  )
  for (const process of all) {
    if (isActor(process) || isCall(process)) continue
    const { pid, outputs } = process
    const own = children.get(pid) ?? []
    if (process.state === 'excepted') {
      const why = process.class === 'Taker' ? mayLack(world, process) : mayFail(process, own, isClockSetBack)
      if (why !== undefined)
        findings.push({ rule: 'only what has a reason fails', pid, what: `${process.message}: ${why}` })
    }
    if (process.state !== 'finished') continue
    const model = modelOf(process, own, upstreamOf(world, process))
    const rule = 'outputs are as the model has them'
    if (typeof model === 'string') {
      findings.push({ rule, pid, what: model })
      continue
    }
    if (outputs['sum'] !== model.sum)
      findings.push({ rule, pid, what: `sum is ${JSON.stringify(outputs['sum'])}, not ${model.sum}` })
    const tokens = model.effects.map(
      ([k, name]) => recorded.get(`${root(world, pid)} ${k} ${name}`) ?? `nothing for ${name}`,
    )
    if (JSON.stringify(outputs['tokens']) !== JSON.stringify(tokens))
      findings.push({
        rule,
        pid,
        what: `its effects gave ${JSON.stringify(outputs['tokens'])}, and the log has ${JSON.stringify(tokens)}`,
      })
  }
  findings.push(...checkTold(world), ...checkEnds(world))
  return findings
}

/** The process whose sum a process takes. */
function upstreamOf({ processes }: World, { inputs }: Stored): Stored | undefined {
  const value = inputs['value'] as { readonly data?: { readonly pid: string } } | undefined
  return processes.get(value?.data?.pid ?? '')
}

/** Why a process that takes the sum of another should not have failed: only for want of that, and it has not run then. */
function mayLack(world: World, process: Stored): string | undefined {
  const upstream = upstreamOf(world, process)
  if (upstream?.state === 'finished') return `${upstream.pid} has a sum`
  const ran = world.lines.find((line) => line.what === 'step' && line.pid === process.pid)
  return ran === undefined ? undefined : `it ran all the same, line ${ran.index + 1}`
}

/** Why it should not have failed; undefined where it may. */
function mayFail(process: Stored, children: readonly Stored[], isClockSetBack: boolean): string | undefined {
  switch (process.class) {
    case 'Failing':
      return process.message?.includes('not mended') === true ? undefined : 'it fails only as not mended'
    case 'Hasty': {
      // It counts from the launch, which may be long before the commit of that.
      const [, deadline] = /by its deadline, (\S+Z)/.exec(process.message ?? '') ?? []
      if (deadline === undefined) return 'it fails only as its time is up'
      const left = Date.parse(deadline) - (process.history.at(-1)?.at ?? 0)
      return left <= 1 || isClockSetBack ? undefined : `it failed ${left} ms before its deadline`
    }
    case 'Parent':
    case 'Chain':
      if (process.inputs['how'] === 'wait') return 'it takes a failed child for what it is'
      return children.some(({ state }) => state === 'killed' || state === 'excepted')
        ? undefined
        : 'no child of it has failed'
    default:
      return `a ${process.class} never fails`
  }
}

/** What a handle said of an end is what the store has. */
function checkTold({ lines, processes }: World): Finding[] {
  return lines.flatMap((line) => {
    if (line.what !== 'reported') return []
    const state = processes.get(line.pid)?.state
    if (state === line.state) return []
    return [
      {
        rule: 'a handle says how it ended',
        pid: line.pid,
        what: `it said ${line.state}, line ${line.index + 1}, and the store has ${state}`,
      },
    ]
  })
}

/** In the end everything has ended. */
function checkEnds({ lines, processes }: World): Finding[] {
  const findings: Finding[] = lines.flatMap((line) =>
    line.what === 'stuck' ? [{ rule: 'everything ends', pid: line.pid, what: line.why }] : [],
  )
  for (const process of processes.values()) {
    const { pid, state, parked } = process
    if (isAtRest(process)) continue
    if (parked !== null) findings.push({ rule: 'nothing is parked', pid, what: parked })
    else if (!['finished', 'excepted', 'killed'].includes(state) && !findings.some((one) => one.pid === pid))
      findings.push({ rule: 'everything ends', pid, what: `it is ${state}` })
  }
  return findings
}
