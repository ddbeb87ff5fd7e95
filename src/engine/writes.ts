import type { Bundle } from '../bundle/bundle.ts'
import type { Advance, Create, Ending, HistoryEntry } from '../persistence/store.ts'
import type { Transition } from '../process/host.ts'
import type { Run } from './run.ts'

/** The write of a transition: only the parts that changed since the last one. */
export function advanceWrite(run: Run, fence: number, transition: Transition, bundle: Bundle): Advance {
  const before = run.saved?.parts ?? {}
  const after = bundle.parts
  const parts: Record<string, string> = {}
  for (const name in after) {
    const text = after[name] as string
    if (before[name] !== text) parts[name] = text
  }
  const dropped: string[] = []
  for (const name in before) if (!(name in after)) dropped.push(name)
  return {
    kind: 'advance',
    pid: run.process.pid,
    fence,
    seq: run.seq + 1,
    state: transition.to,
    step: transition.step,
    status: bundle.head.status ?? null,
    message: transition.message,
    parts,
    dropped,
    paused: transition.paused === null ? null : { message: transition.paused.message ?? null },
    consumes: transition.wake?.id ?? null,
    history: transition.moved ? [historyEntry(transition)] : [],
    ending: ending(transition),
  }
}

/**
 * The write of a process that is born running: its `created` row and its first transition are one commit, so that a launch
 * costs no commit of its own (C2, C3).
 */
export function bornWrite(create: Create, transition: Transition, bundle: Bundle, engine: string): Create {
  return {
    ...create,
    seq: 1,
    state: transition.to,
    step: transition.step,
    status: bundle.head.status ?? null,
    parts: bundle.parts,
    claim: engine,
    history: [...create.history, historyEntry(transition)],
    ending: ending(transition),
  }
}

function ending(transition: Transition): Ending | null {
  if (transition.ending === null) return null
  return {
    ...transition.ending,
    dropCheckpoint: transition.to === 'finished' && transition.ending.successful,
  }
}

function historyEntry(transition: Transition): HistoryEntry {
  const { to, step, ending: end } = transition
  const message = transition.message ?? end?.message ?? null
  const data = {
    ...(step !== null && { step }),
    ...(message !== null && { message }),
    ...(end?.exitCode != null && { exitCode: end.exitCode.code }),
    ...(to === 'finished' && end !== null && { successful: end.successful }),
  }
  return { name: to, data: hasKeys(data) ? JSON.stringify(data) : null }
}

function hasKeys(data: object): boolean {
  for (const _ in data) return true
  return false
}
