import { expect, test } from 'vitest'
import {
  initialState,
  leavesSomeBehind,
  mayClaim,
  mayDrain,
  startsAtOnce,
  startsQueued,
  takesSuspect,
  turnAfterSuspect,
  type Occupant,
  type SchedulingState,
} from '../../src/engine/scheduling.ts'

const EMPTY = true
const NOW = 1_000

/** An engine with two slots that knows of nothing ready. */
const idle = (known: Partial<SchedulingState> = {}): SchedulingState => ({
  ...initialState(2),
  unknown: false,
  ...known,
})

const occupant = (slotLent: boolean): Occupant => ({ process: { pid: 'p' }, over: false, slotLent })

test('a launch starts at once only if each process that may be ready has a slot, and none is queued', () => {
  expect(startsAtOnce(idle(), EMPTY, NOW)).toBe(true)
  expect(startsAtOnce(idle({ announced: 1 }), EMPTY, NOW)).toBe(true)
  expect(startsAtOnce(idle({ announced: 2 }), EMPTY, NOW)).toBe(false)
  expect(startsAtOnce(idle(), !EMPTY, NOW)).toBe(false)
  for (const known of [{ unknown: true }, { storing: 1 }, { claiming: true }, { free: 0 }, { stopped: true }])
    expect(startsAtOnce(idle(known), EMPTY, NOW)).toBe(false)
})

test('a launch of the queue starts without a claim only while no other process may be ready', () => {
  expect(startsQueued(idle(), !EMPTY, NOW)).toBe(true)
  for (const known of [{ unknown: true }, { announced: 1 }, { foundReady: true }, { claiming: true }])
    expect(startsQueued(idle(known), !EMPTY, NOW)).toBe(false)
  expect(startsQueued(idle({ free: 0 }), !EMPTY, NOW)).toBe(false)
})

test('the store is asked only if something may be ready, one claim at a time', () => {
  expect(mayClaim(idle(), EMPTY, NOW)).toBe(false)
  expect(mayClaim(idle({ announced: 1 }), EMPTY, NOW)).toBe(true)
  expect(mayClaim(idle({ announced: 1, claiming: true }), EMPTY, NOW)).toBe(false)
  expect(mayClaim(idle({ announced: 1, free: 0 }), EMPTY, NOW)).toBe(false)
})

test('a suspect starts while nothing runs, once other work has had its turn', () => {
  expect(takesSuspect(idle({ suspects: true }), EMPTY, NOW)).toBe(true)
  expect(takesSuspect(idle({ suspects: true, free: 1 }), EMPTY, NOW)).toBe(false)
  const busy = { suspects: true, announced: 1, turn: NOW + 1 }
  expect(takesSuspect(idle(busy), EMPTY, NOW)).toBe(false)
  expect(takesSuspect(idle(busy), EMPTY, NOW + 1)).toBe(true)
  expect(takesSuspect(idle({ ...busy, drains: true }), EMPTY, NOW)).toBe(true)
})

test('while a suspect runs nothing else starts, until its step only waits', () => {
  const known = { alone: occupant(false), free: 1, announced: 1 }
  expect(startsAtOnce(idle(known), EMPTY, NOW)).toBe(false)
  expect(startsQueued(idle({ ...known, announced: 0 }), !EMPTY, NOW)).toBe(false)
  expect(mayClaim(idle(known), EMPTY, NOW)).toBe(false)
  expect(mayClaim(idle({ ...known, alone: occupant(true) }), EMPTY, NOW)).toBe(true)
})

test('an engine that drains starts nothing while steps run', () => {
  const draining = idle({ drains: true, suspects: true, free: 1, announced: 1 })
  expect(startsAtOnce(draining, EMPTY, NOW)).toBe(false)
  expect(startsQueued(draining, !EMPTY, NOW)).toBe(false)
  expect(mayClaim(draining, EMPTY, NOW)).toBe(false)
  expect(mayClaim({ ...draining, free: 2 }, EMPTY, NOW)).toBe(true)
})

test('an engine drains only while it runs something, and after the turn of other work', () => {
  expect(mayDrain(idle(), NOW)).toBe(false)
  expect(mayDrain(idle({ free: 1 }), NOW)).toBe(true)
  expect(mayDrain(idle({ free: 1, turn: NOW + 1 }), NOW)).toBe(false)
  expect(mayDrain(idle({ free: 1, alone: occupant(false) }), NOW)).toBe(false)
})

test('other work has its turn for as long as a suspect has kept it waiting', () => {
  expect(turnAfterSuspect(idle({ since: NOW - 200 }), NOW)).toBe(NOW + 200)
})

test('a full claim leaves something behind, unless it found only what is queued here', () => {
  const full = { isKnown: true, limit: 2, queued: [true, true] }
  expect(leavesSomeBehind(idle(), full)).toBe(true)
  expect(leavesSomeBehind(idle(), { ...full, queued: [true] })).toBe(false)
  expect(leavesSomeBehind(idle(), { ...full, isKnown: false })).toBe(false)
  expect(leavesSomeBehind(idle(), { ...full, isKnown: false, queued: [true, false] })).toBe(true)
})
