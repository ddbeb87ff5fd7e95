import type { Line } from '../log.ts'
import { ofProcess, type Corruption } from './corruption.ts'
import { replaced } from './of-log.ts'

/** The actor of the recorded run that is called and paused. */
const CALLED = 'is called'
/** The first of its calls by a method. */
const called = (method: string, where = ''): string =>
  `(SELECT min(id) FROM process WHERE actor = '${CALLED}' AND class = 'Ledger.${method}' ${where})`

function isAsked(method: string) {
  return (line: { readonly do: string; readonly class?: string | undefined }): boolean =>
    line.do === 'call' && line.class === `Ledger.${method}`
}

/** An actor or its calls are not as they should be. */
export const ofActors: readonly Corruption[] = [
  {
    what: 'a call has changed its actor twice',
    rule: 'the state of an actor is what its calls have made it',
    store: (sql) =>
      sql.run(
        `UPDATE piece SET text = json_insert(text, '$.lines[#]', json_extract(text, '$.lines[0]')) WHERE name = 'memory' AND ${ofProcess(CALLED)}`,
      ),
  },
  {
    what: 'what a call did to its actor is lost',
    rule: 'the state of an actor is what its calls have made it',
    store: (sql) =>
      sql.run(
        `UPDATE piece SET text = json_remove(text, '$.lines[#-1]') WHERE name = 'memory' AND ${ofProcess(CALLED)}`,
      ),
  },
  {
    what: 'the sum of an actor has what a call that failed has added',
    rule: 'the state of an actor is what its calls have made it',
    store: (sql) =>
      sql.run(
        `UPDATE piece SET text = json_set(text, '$.n', json_extract(text, '$.n') + 7) WHERE name = 'memory' AND ${ofProcess(CALLED)}`,
      ),
  },
  {
    what: 'a call gave another result',
    rule: 'a call gives what the model has',
    store: (sql) =>
      sql.run(`UPDATE process SET data = json_set(data, '$.result.n', 1) WHERE id = ${called('pay')}`),
  },
  {
    what: 'a call has the effect of another',
    rule: 'a call gives what the model has',
    store: (sql) =>
      sql.run(`UPDATE process SET data = json_set(data, '$.result.token', 'x') WHERE id = ${called('pay')}`),
  },
  {
    what: 'a call was queued before one that its caller had made earlier',
    rule: 'calls keep the order of their caller',
    log: (lines) => {
      const paid = lines.find((line) => line.what === 'ask' && isAsked('pay')(line))
      return replaced(lines, 'ask', isAsked('note'), (line) => [paid ?? line, line]).filter(
        (line, index, all) => all.indexOf(line) === index,
      )
    },
  },
  {
    what: 'a call is queued twice',
    rule: 'a call is queued once',
    store: (sql) =>
      sql.run(
        `UPDATE piece SET text = (SELECT text FROM piece WHERE name = 'inputs' AND process = ${called('note')}) WHERE name = 'inputs' AND process = ${called('pay')}`,
      ),
  },
  {
    what: 'a call is there that nobody has made',
    rule: 'what is launched was asked for',
    log: (lines) => replaced(lines, 'ask', isAsked('pay'), () => []),
  },
  {
    what: 'a call has other arguments than it was made with',
    rule: 'what is launched is there',
    log: (lines) =>
      replaced(lines, 'ask', isAsked('pay'), (line) => [{ ...line, inputs: { args: [6, 10] } }]),
  },
  {
    what: 'a call that was acknowledged is not there',
    rule: 'what is launched is there',
    store: (sql) =>
      sql.run(
        `UPDATE piece SET text = json_set(text, '$.args[0]', 'x') WHERE name = 'inputs' AND process = ${called('pay')}`,
      ),
  },
  {
    what: 'a call that has to fail finishes',
    rule: 'a call that has to fail does',
    store: (sql) =>
      sql.run(`UPDATE process SET state = 'finished' WHERE id = ${called('fail', "AND state = 'excepted'")}`),
  },
  {
    what: 'a call fails without a reason',
    rule: 'only what has a reason fails',
    store: (sql) => sql.run(`UPDATE process SET state = 'excepted' WHERE id = ${called('nap')}`),
  },
  {
    what: 'a call of a paused actor runs',
    rule: 'what is paused does not move',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET "commit" = (SELECT "commit" + 1 FROM entry WHERE name = 'paused' AND ${ofProcess(CALLED)}) WHERE name = 'running' AND process = ${called('note', "AND state = 'finished' AND json_extract(data, '$.result.place') > 1")}`,
      ),
  },
  {
    what: 'a handle says another result than the store has',
    rule: 'a handle says how it ended',
    log: (lines) =>
      replaced(
        lines,
        'reported',
        ({ value }) => value !== undefined,
        (line) => [{ ...line, value: { place: 1, n: 1 } }],
      ),
  },
  {
    what: 'what was read is taken back',
    rule: 'what is read stays',
    log: (lines) => withRead(lines, { place: 2, last: 'another' }),
  },
  {
    what: 'a read does not have what was told before',
    rule: 'a read has what was told before',
    log: (lines) => withRead(lines, { place: 0 }),
  },
  {
    what: 'a call has two ends',
    rule: 'nothing follows an end',
    store: (sql) =>
      sql.run(
        `INSERT INTO entry (process, n, "commit", seq, at, name) SELECT process, n + 1, "commit", seq, at, 'finished' FROM entry WHERE name = 'finished' AND process = ${called('pay')}`,
      ),
  },
  {
    what: 'an entry of the history of a call is missing',
    rule: 'the history has no gaps',
    store: (sql) => sql.run(`DELETE FROM entry WHERE name = 'running' AND process = ${called('pay')}`),
  },
  {
    what: 'a call finishes after its kill was acknowledged',
    rule: 'nothing but its end follows a kill',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET name = 'kill requested' WHERE name = 'running' AND process = ${called('note')}`,
      ),
  },
  {
    what: 'an actor has lost count of its calls',
    rule: 'everything ends',
    store: (sql) => sql.run(`UPDATE process SET calls = 1 WHERE pid = '${CALLED}'`),
  },
  {
    what: 'an engine keeps an actor that has nothing to do',
    rule: 'everything ends',
    store: (sql) => sql.run(`UPDATE process SET owner = 'somebody' WHERE pid = '${CALLED}'`),
  },
]

/** The first read of a ledger gave something else. */
function withRead(lines: readonly Line[], value: object): readonly object[] {
  const ask = lines.find((line) => line.what === 'ask' && line.do === 'read')
  return replaced(
    lines,
    'answer',
    ({ op }) => ask?.what === 'ask' && op === ask.op,
    (line) => [{ ...line, value }],
  )
}
