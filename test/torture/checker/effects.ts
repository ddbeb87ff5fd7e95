import type { EffectLine } from '../log.ts'
import { Excuses } from './excuses.ts'
import { root, type Finding, type Numbered, type World } from './world.ts'

/** Effects run once, as far as they can, under one key, and what they gave stays. */
export function checkEffects(world: World): Finding[] {
  const findings: Finding[] = []
  const excuses = new Excuses(world)
  const begins = new Map<string, Numbered & EffectLine>()
  const ends = new Set<string>()
  /** What is recorded under a key, and by which line that is known. */
  const recorded = new Map<string, { readonly token: string; readonly line: Numbered }>()
  const keys = new Map<string, string>()
  const places = new Map<string, string>()
  for (const line of world.lines) {
    if (line.what === 'effect' && line.phase === 'begin') {
      const { pid, k, name, key, token } = line
      begins.set(token, line)
      const place = `step ${k} of ${pid}, ${name}`
      const before = keys.get(place)
      if (before !== undefined && before !== key)
        findings.push({ rule: 'a key is the same each time', pid, what: `${place} has ${before} and ${key}` })
      keys.set(place, key)
      const origin = `step ${k} of ${root(world, pid)}, ${name}`
      const other = places.get(key)
      if (other !== undefined && other !== origin)
        findings.push({
          rule: 'a key belongs to one effect',
          pid,
          what: `${key} is of ${other} and of ${origin}`,
        })
      places.set(key, origin)
      const known = recorded.get(key)
      if (known !== undefined && !(known.line.by !== line.by && excuses.stale(line)))
        findings.push({
          rule: 'no effect runs again after its record',
          pid,
          what: `${name} runs again as ${token}, line ${line.index + 1}, and was recorded as ${known.token}, line ${known.line.index + 1}`,
        })
    }
    if (line.what === 'effect' && line.phase === 'end') ends.add(line.token)
    if (line.what === 'recorded') {
      const { pid, name, token } = line
      const begin = begins.get(token)
      if (begin === undefined || !ends.has(token)) {
        findings.push({
          rule: 'what is recorded was done',
          pid,
          what: `${name} gave ${token}, which never ended`,
        })
        continue
      }
      if (begin.name !== name || begin.k !== line.k || root(world, begin.pid) !== root(world, pid))
        findings.push({
          rule: 'an effect gives what is its own',
          pid,
          what: `${name} of step ${line.k} gave ${token}, which is of ${begin.name} of step ${begin.k} of ${begin.pid}`,
        })
      const known = recorded.get(begin.key)
      if (known === undefined) recorded.set(begin.key, { token, line })
      else if (known.token !== token)
        findings.push({
          rule: 'an effect gives the same each time',
          pid,
          what: `${name} gave ${known.token}, line ${known.line.index + 1}, and ${token}, line ${line.index + 1}`,
        })
    }
  }
  findings.push(...checkRecords(world))
  return findings
}

/** Each record in the history is of an effect that ended before, and whatever resolved was recorded. */
function checkRecords(world: World): Finding[] {
  const findings: Finding[] = []
  const done = new Map<string, number>()
  const resolved = new Map<string, Set<string>>()
  for (const line of world.lines) {
    if (line.what === 'effect' && line.phase === 'end') {
      const place = `${line.pid} ${line.name}`
      done.set(place, (done.get(place) ?? 0) + 1)
    }
    if (line.what === 'recorded') {
      const place = `${line.pid} ${line.name}`
      const tokens = resolved.get(place) ?? new Set()
      resolved.set(place, tokens.add(line.token))
    }
  }
  for (const { pid, history, origin } of world.processes.values()) {
    const counts = new Map<string, number>()
    for (const { name, data } of history) {
      if (name !== 'effect') continue
      const effect = String(data['name'])
      counts.set(effect, (counts.get(effect) ?? 0) + 1)
    }
    for (const [effect, count] of counts) {
      const place = `${pid} ${effect}`
      if (count > (done.get(place) ?? 0))
        findings.push({
          rule: 'what is recorded was done',
          pid,
          what: `${effect} was recorded ${count} times and ended ${done.get(place) ?? 0} times`,
        })
    }
    // A restarted process has the records of the first one.
    if (origin !== null) continue
    for (const [place, tokens] of resolved) {
      if (!place.startsWith(`${pid} `)) continue
      const effect = place.slice(pid.length + 1)
      if (tokens.size > (counts.get(effect) ?? 0))
        findings.push({
          rule: 'what resolved is recorded',
          pid,
          what: `${effect} gave ${tokens.size} results, of which the history has ${counts.get(effect) ?? 0}`,
        })
    }
  }
  return findings
}
