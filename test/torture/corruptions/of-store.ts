import { ofProcess, STEPS, type Corruption, type Sql } from './corruption.ts'

/** The store is not as it should be. */
export const ofStore: readonly Corruption[] = [
  {
    what: 'an entry of history is missing',
    rule: 'the history has no gaps',
    store: (sql) => sql.run('DELETE FROM entry WHERE id = 20'),
  },
  {
    what: 'a transition of a process is missing',
    rule: 'the history has no gaps',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET name = 'signalled', data = '{}' WHERE id = ${sql.entry('hears', "name = 'running' AND seq = 3")}`,
      ),
  },
  {
    what: 'two transitions have changed places',
    rule: 'the history has no gaps',
    store: (sql) => sql.swap(sql.entry(STEPS, 'seq = 2'), sql.entry(STEPS, 'seq = 3')),
  },
  {
    what: 'a finished process goes on',
    rule: 'nothing follows an end',
    store: (sql) => sql.append('hears', 'running', { step: 'hear' }),
  },
  {
    what: 'a process waits before it has run',
    rule: 'only what may follow follows',
    store: (sql) =>
      sql.run(`UPDATE entry SET name = 'waiting' WHERE id = ${sql.entry('hears', "name = 'running'")}`),
  },
  {
    what: 'an effect is recorded twice',
    rule: 'an effect is recorded once',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET name = 'effect', data = '{"name":"heard 0"}' WHERE id = ${sql.entry('paused in its wait', `name = 'effect' AND data LIKE '%heard 1%'`)}`,
      ),
  },
  {
    what: 'the row has another state than the history',
    rule: 'the row is as its history',
    store: (sql) => sql.run(`UPDATE process SET state = 'excepted' WHERE pid = 'hears'`),
  },
  {
    what: 'the row has another sequence than the history',
    rule: 'the row is as its history',
    store: (sql) => sql.run(`UPDATE process SET seq = seq + 1 WHERE pid = 'hears'`),
  },
  {
    what: 'a process that was paused in its wait goes on',
    rule: 'what is paused does not move',
    store: (sql) =>
      sql.swap(
        sql.entry('paused in its wait', "name = 'played'"),
        sql.entry('paused in its wait', "name = 'received'"),
      ),
  },
  {
    what: 'a step begins after a pause',
    rule: 'no step begins after a pause',
    store: (sql) =>
      sql.run(`UPDATE entry SET name = 'pause requested' WHERE id = ${sql.entry(STEPS, "name = 'paused'")}`),
  },
  {
    what: 'a process that is being killed begins a step',
    rule: 'nothing but its end follows a kill',
    store: (sql) => sql.swap(sql.entry('asks', "name = 'resumed'"), killedEarly(sql, 'asks')),
  },
  {
    what: 'a process finishes after its kill was acknowledged',
    rule: 'what an acknowledged kill reached ends killed',
    store: (sql) => {
      sql.run(`UPDATE process SET state = 'finished' WHERE pid = 'killed with its tree'`)
      sql.run(
        `UPDATE entry SET name = 'finished' WHERE name = 'killed' AND ${ofProcess('killed with its tree')}`,
      )
    },
  },
  {
    what: 'a child is not reached by the kill of its parent',
    rule: 'a kill reaches the whole tree',
    store: (sql) => {
      const child = `(SELECT id FROM process WHERE parent = 'killed with its tree' LIMIT 1)`
      sql.run(`UPDATE entry SET name = 'finished' WHERE name = 'killed' AND process = ${child}`)
      sql.run(`UPDATE process SET state = 'finished' WHERE id = ${child}`)
    },
  },
  {
    what: 'a child is launched after the kill of its parent',
    rule: 'what is being killed launches nothing',
    store: (sql) =>
      sql.run(`UPDATE process SET parent = 'killed with its tree' WHERE pid LIKE '%"delay":50%'`),
  },
  {
    what: 'a kill is not stored',
    rule: 'an acknowledged kill is stored',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET name = 'excepted' WHERE name IN ('killed', 'kill requested') AND ${ofProcess('killed with its tree')}`,
      ),
  },
  {
    what: 'a pause is not stored',
    rule: 'an acknowledged pause is stored',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET name = 'signalled' WHERE name LIKE 'pause%' AND ${ofProcess('paused in its wait')}`,
      ),
  },
  {
    what: 'a signal is not stored',
    rule: 'what is acknowledged is stored once',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET data = '{"name":"other"}' WHERE id = ${sql.entry('hears', "name = 'signalled'")}`,
      ),
  },
  {
    what: 'a resume is stored twice',
    rule: 'what is acknowledged is stored once',
    store: (sql) => sql.append('asks', 'resumed'),
  },
  {
    what: 'a signal is received twice',
    rule: 'no signal is received twice',
    store: (sql) => sql.run(got('hears', '[at[0], at[1], at[1]]')),
  },
  {
    what: 'signals are received in another order',
    rule: 'signals come in their order',
    store: (sql) => sql.run(got('hears', '[at[1], at[0], at[2]]')),
  },
  {
    what: 'a signal is lost',
    rule: 'no signal is lost',
    store: (sql) => sql.run(got('hears', '[at[0], at[2]]')),
  },
  {
    what: 'a signal is received that nobody sent',
    rule: 'only what was sent is received',
    store: (sql) => sql.run(got('hears', `[at[0], at[1], "x"]`)),
  },
  {
    what: 'a sum is wrong',
    rule: 'outputs are as the model has them',
    store: (sql) => sql.run(`UPDATE piece SET text = '7' WHERE name = 'out:sum' AND ${ofProcess(STEPS)}`),
  },
  {
    what: 'an output is missing',
    rule: 'outputs are as the model has them',
    store: (sql) => sql.run(`DELETE FROM piece WHERE name = 'out:sum' AND ${ofProcess('asks')}`),
  },
  {
    what: 'what an effect gave is lost',
    rule: 'outputs are as the model has them',
    store: (sql) => sql.run(`UPDATE piece SET text = '[]' WHERE name = 'out:tokens' AND ${ofProcess(STEPS)}`),
  },
  {
    what: 'a child is missing',
    rule: 'outputs are as the model has them',
    store: (sql) =>
      sql.run(
        `UPDATE process SET parent = NULL WHERE id = (SELECT max(id) FROM process WHERE parent LIKE 'Parent %join%')`,
      ),
  },
  {
    what: 'a process fails without a reason',
    rule: 'only what has a reason fails',
    store: (sql) => {
      sql.run(`UPDATE process SET state = 'excepted' WHERE pid = 'asks'`)
      sql.run(`UPDATE entry SET name = 'excepted' WHERE name = 'finished' AND ${ofProcess('asks')}`)
    },
  },
  {
    what: 'a process takes another sum than there is',
    rule: 'outputs are as the model has them',
    store: (sql) =>
      sql.run(`UPDATE piece SET text = '4' WHERE name = 'out:sum' AND ${ofProcess('is taken')}`),
  },
  {
    what: 'a process finishes without what it takes',
    rule: 'outputs are as the model has them',
    store: (sql) => sql.run(`UPDATE process SET state = 'excepted' WHERE pid = 'is taken'`),
  },
  {
    what: 'a process fails although there is what it takes',
    rule: 'only what has a reason fails',
    store: (sql) => sql.run(`UPDATE process SET state = 'finished' WHERE pid = 'is not taken'`),
  },
  {
    what: 'a process that was launched is not there',
    rule: 'what is launched is there',
    store: (sql) => sql.run(`UPDATE process SET pid = 'another' WHERE pid = 'asks'`),
  },
  {
    what: 'a process is there that nobody has launched',
    rule: 'what is launched was asked for',
    store: (sql) => sql.run(`UPDATE process SET pid = 'another' WHERE pid = 'asks'`),
  },
  {
    what: 'a process has other inputs than it was launched with',
    rule: 'what is launched is there',
    store: (sql) =>
      sql.run(`UPDATE piece SET text = '{"n":2,"slow":1}' WHERE name = 'inputs' AND ${ofProcess('asks')}`),
  },
  {
    what: 'a process has lost its key',
    rule: 'what is launched is there',
    store: (sql) => sql.run(`UPDATE process SET key = NULL WHERE key IS NOT NULL`),
  },
  {
    what: 'a process that has ended is owned',
    rule: 'nothing is kept for what has ended',
    store: (sql) => sql.run(`UPDATE process SET owner = 'somebody' WHERE pid = 'asks'`),
  },
  {
    what: 'a signal is kept for a process that has ended',
    rule: 'nothing is kept for what has ended',
    store: (sql) =>
      sql.run(`INSERT INTO message (pid, by, sender, value) VALUES ('asks', 'resume', 'x', '1')`),
  },
  {
    what: 'a record of a step stays',
    rule: 'nothing is kept for what has ended',
    store: (sql) =>
      sql.run(`UPDATE piece SET name = 'record:effect:x' WHERE name = 'out:got' AND ${ofProcess('asks')}`),
  },
  {
    what: 'a process has not ended',
    rule: 'everything ends',
    store: (sql) => sql.run(`UPDATE process SET state = 'waiting', ended_at = NULL WHERE pid = 'asks'`),
  },
  {
    what: 'a process is parked',
    rule: 'nothing is parked',
    store: (sql) => sql.run(`UPDATE process SET parked = 'damaged' WHERE pid = 'asks'`),
  },
  {
    what: 'another engine writes beside that which runs it',
    rule: 'only its engine writes',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET by = 'another' WHERE id = ${sql.entry(STEPS, "name = 'running' AND seq = 2")}`,
      ),
  },
  {
    what: 'the kill of what is paused waits for an engine',
    rule: 'what nobody runs is killed at once',
    store: (sql) =>
      sql.run(`UPDATE entry SET name = 'kill requested' WHERE id = ${sql.entry(STEPS, "name = 'played'")}`),
  },
  {
    what: 'a kill is done long after its time was up',
    rule: 'a kill is done when its time is up',
    store: (sql) =>
      sql.run(
        `UPDATE entry SET at = at + 60000 WHERE id = (SELECT id FROM entry WHERE name = 'killed' AND process IN (SELECT id FROM process WHERE class = 'Doomed'))`,
      ),
  },
  {
    what: 'an engine that lives is taken for dead',
    rule: 'no healthy engine is taken for dead',
    store: (sql) =>
      sql.append(
        STEPS,
        'crashed',
        { crashes: 1 },
        '(SELECT runner FROM process WHERE runner IS NOT NULL LIMIT 1)',
      ),
  },
]

/** What is received is chosen from what was: `at[0]` is the first. */
function got(pid: string, list: string): string {
  const text = list
    .slice(1, -1)
    .split(', ')
    .map((one) => one.replace(/^at\[(\d)\]$/, `json_extract(text, '$[$1]')`).replaceAll('"', "'"))
    .join(', ')
  return `UPDATE piece SET text = json_array(${text}) WHERE name = 'out:got' AND ${ofProcess(pid)}`
}

/** Turns the first resume of a process into its kill. */
function killedEarly(sql: Sql, pid: string): number {
  const created = sql.entry(pid, "name = 'resumed'")
  sql.run(`UPDATE entry SET name = 'kill requested' WHERE id = ${created}`)
  return sql.entry(pid, "name = 'resumed'")
}
