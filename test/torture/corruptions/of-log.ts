import type { AskLine, Line } from '../log.ts'
import { STEPS, type Corruption } from './corruption.ts'

type Is<What extends Line['what']> = Extract<Line, { readonly what: What }>

function is<What extends Line['what']>(line: Line, what: What): line is Is<What> {
  return line.what === what
}

/** The lines with one of a kind in another form, or with others in its place. */
export function replaced<What extends Line['what']>(
  lines: readonly Line[],
  what: What,
  which: (line: Is<What>) => boolean,
  by: (line: Is<What>) => readonly object[],
): readonly object[] {
  let count = 0
  const result = lines.flatMap((line) =>
    is(line, what) && which(line) && count++ === 0 ? by(line) : ([line] as readonly object[]),
  )
  if (count === 0) throw new Error(`the log has no such ${what}`)
  return result
}

/** The line of what was asked, with the one that answers it. */
function answered(lines: readonly Line[], which: (line: AskLine) => boolean): string {
  const found = lines.find((line): line is Is<'ask'> => is(line, 'ask') && which(line))
  if (found === undefined) throw new Error('nothing of the kind was asked')
  return found.op
}

const isOf = (pid: string) => (line: { readonly pid: string }) => line.pid === pid

/** The log is not as it should be. */
export const ofLog: readonly Corruption[] = [
  {
    what: 'two programs run a process at a time',
    rule: 'a step begins when the one before it has ended',
    log: (lines) =>
      replaced(
        lines,
        'step',
        (line) => line.pid === STEPS && line.phase === 'end' && line.k === 1,
        (line) => [{ ...line, by: 'e2', phase: 'begin' }, line],
      ),
  },
  {
    what: 'a step that has ended begins again',
    rule: 'what has ended does not begin again',
    log: (lines) =>
      replaced(
        lines,
        'step',
        (line) => line.pid === STEPS && line.phase === 'begin' && line.k === 2,
        (line) => [line, { ...line, k: 1 }],
      ),
  },
  {
    what: 'an effect runs again after its record',
    rule: 'no effect runs again after its record',
    log: (lines) => {
      const begin = lines.find((line): line is Is<'effect'> => is(line, 'effect') && line.pid === STEPS)
      return replaced(lines, 'recorded', isOf(STEPS), (line) => [line, { ...begin, token: 'anew' }])
    },
  },
  {
    what: 'an effect gives something else when its step runs again',
    rule: 'an effect gives the same each time',
    log: (lines) => {
      const of = lines
        .filter((line): line is Is<'effect'> => is(line, 'effect') && line.pid === STEPS)
        .slice(0, 2)
      const again = of.map((line) => ({ ...line, token: 'anew' }))
      return replaced(
        replaced(lines, 'effect', isOf(STEPS), (line) => [...again, line]) as readonly Line[],
        'recorded',
        isOf(STEPS),
        (line) => [line, { ...line, token: 'anew' }],
      )
    },
  },
  {
    what: 'an effect gives what another gave',
    rule: 'an effect gives what is its own',
    log: (lines) => {
      const other = lines.find((line): line is Is<'recorded'> => is(line, 'recorded') && line.pid === STEPS)
      const own = lines.find((line): line is Is<'recorded'> => is(line, 'recorded') && line.pid === 'asks')
      return [...lines, { ...own, token: other?.token }]
    },
  },
  {
    what: 'an effect has another key when it runs again',
    rule: 'a key is the same each time',
    log: (lines) =>
      replaced(lines, 'effect', isOf(STEPS), (line) => [{ ...line, key: 'another', token: 'before' }, line]),
  },
  {
    what: 'two effects have one key',
    rule: 'a key belongs to one effect',
    log: (lines) => {
      const other = lines.find((line): line is Is<'effect'> => is(line, 'effect') && line.pid === STEPS)
      return replaced(lines, 'effect', isOf('asks'), (line) => [{ ...line, key: other?.key }])
    },
  },
  {
    what: 'what was recorded was never done',
    rule: 'what is recorded was done',
    log: (lines) =>
      replaced(
        lines,
        'effect',
        (line) => line.pid === STEPS && line.phase === 'end',
        () => [],
      ),
  },
  {
    what: 'a process runs without what it takes',
    rule: 'only what has a reason fails',
    log: (lines) => {
      const step = lines.find((line) => line.what === 'step')
      return [...lines, { ...step, pid: 'takes nothing' }]
    },
  },
  {
    what: 'what resolved was not recorded',
    rule: 'what resolved is recorded',
    log: (lines) => replaced(lines, 'recorded', isOf(STEPS), (line) => [line, { ...line, token: 'another' }]),
  },
  {
    what: 'a paused process goes on',
    rule: 'what is paused does not move',
    log: (lines) => {
      const op = answered(lines, (line) => line.do === 'pause' && line.pid === 'paused in its wait')
      return replaced(
        lines,
        'answer',
        (line) => line.op === op,
        (line) => [line, { ...line, what: 'woke', pid: 'paused in its wait', k: 0, name: 'ping', value: 1 }],
      )
    },
  },
  {
    what: 'a killed process begins an effect',
    rule: 'no effect begins after a kill',
    log: (lines) => {
      const pid = 'killed with its tree'
      const late = { what: 'effect', phase: 'begin', pid, k: 9, name: 'late', key: 'late', token: 'late' }
      const last = lines.at(-1)
      return [...lines, { ...last, ...late, at: (last?.at ?? 0) + 60_000 }]
    },
  },
  {
    what: 'a process is killed that nobody has killed',
    rule: 'only what was asked to be is killed',
    log: (lines) =>
      replaced(
        lines,
        'ask',
        (line) => line.do === 'kill' && line.pid === 'killed with its tree',
        () => [],
      ),
  },
  {
    what: 'a kill was refused, and the process has not ended',
    rule: 'only what has ended is not killed',
    log: (lines) => {
      const op = answered(lines, (line) => line.do === 'kill' && line.pid === 'killed with its tree')
      return replaced(
        lines,
        'answer',
        (line) => line.op === op,
        (line) => [{ ...line, value: false }],
      )
    },
    store: (sql) => sql.run(`UPDATE process SET ended_at = NULL WHERE pid = 'killed with its tree'`),
  },
  {
    what: 'a handle says another end than the store',
    rule: 'a handle says how it ended',
    log: (lines) => replaced(lines, 'reported', isOf('asks'), (line) => [{ ...line, state: 'killed' }]),
  },
  {
    what: 'one key is two processes',
    rule: 'a key is one process',
    log: (lines) => {
      const op = answered(lines, (line) => line.key === 'a key')
      return replaced(
        lines,
        'answer',
        (line) => line.op === op,
        (line) => [{ ...line, value: 'asks' }],
      )
    },
  },
  {
    what: 'a step begins before its delay has passed',
    rule: 'a delay is kept',
    log: (lines) =>
      replaced(
        lines,
        'ask',
        (line) => line.delay !== undefined,
        (line) => [{ ...line, delay: 60_000 }],
      ),
  },
  {
    what: 'an error comes that nothing explains',
    rule: 'what is asked is refused only with a reason',
    log: (lines) =>
      replaced(
        lines,
        'answer',
        () => true,
        (line) => [{ ...line, ok: false, error: 'TypeError' }],
      ),
  },
  {
    what: 'something never ends',
    rule: 'everything ends',
    log: (lines) => [...lines, { ...lines.at(-1), what: 'stuck', pid: 'asks', why: 'nobody knows' }],
  },
  {
    what: 'a program ends by itself',
    rule: 'only the injector ends programs',
    log: (lines) => [...lines, { ...lines.at(-1), what: 'exit', program: 'e1', code: 0, signal: null }],
  },
  {
    what: 'a program is aborted when it is to close',
    rule: 'only the injector ends programs',
    log: (lines) => [
      ...lines,
      { ...lines.at(-1), what: 'fault', fault: 'SIGTERM', phase: 'at', program: 'e1' },
      { ...lines.at(-1), what: 'exit', program: 'e1', code: null, signal: 'SIGABRT' },
    ],
  },
  {
    what: 'a program does not end',
    rule: 'a program that is asked to end does',
    log: (lines) => [
      ...lines,
      { ...lines.at(-1), what: 'fault', fault: 'does not end', phase: 'at', program: 'e1' },
    ],
  },
]
