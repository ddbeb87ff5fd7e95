/** A fault put into a copy of the sources on purpose, and the tests that have to notice it. */
export interface Break {
  /** The contract that it breaks. */
  readonly contract: `C${number}`
  /** What is broken, in words. */
  readonly what: string
  readonly file: `src/${string}`
  /** It has to be in the file exactly once; how it is wrapped into lines does not matter. */
  readonly find: string
  readonly replace: string
  /** A test file, and the pattern of the names of the tests in it that have to notice. */
  readonly test: readonly [file: `test/${string}`, name: string]
}

export const breaks: readonly Break[] = [
  {
    contract: 'C1',
    what: 'a handle tells what it remembers, without a look at the rows',
    file: 'src/client/process-handle.ts',
    find: 'await within(this.#context.clock, this.look(), options,',
    replace: 'await within(this.#context.clock, Promise.resolve(), options,',
    test: ['test/contracts/one-truth.test.ts', 'C1: what a handle tells'],
  },
  {
    contract: 'C1',
    what: 'an engine claims only what it was told of',
    file: 'src/engine/claims.ts',
    find: 'this.#suspects = suspects this.more()',
    replace: 'this.#suspects = suspects',
    test: ['test/contracts/one-truth.test.ts', 'C1: an engine that is told of nothing'],
  },
  {
    contract: 'C2',
    what: 'a launch by a client resolves before the commit',
    file: 'src/client/client.ts',
    find: 'return this.launched(create, await this.write(create), options)',
    replace: `void this.write(create)
      return this.launched(create, { status: 'done', pid: create.pid }, options)`,
    test: ['test/contracts/durable-launch.test.ts', 'C2: a launch by a client'],
  },
  {
    contract: 'C2',
    what: 'a launch by an engine resolves before the commit',
    file: 'src/engine/engine.ts',
    find: 'await this.#runs.born(process, create)',
    replace: "(void this.#runs.born(process, create), { status: 'done', pid: create.pid })",
    test: ['test/contracts/durable-launch.test.ts', 'C2: a launch by an engine'],
  },
  {
    contract: 'C3',
    what: 'a step starts while the commit that leads into it is under way',
    file: 'src/engine/runs.ts',
    find: 'outcome = await this.#context.write(write)',
    replace: `void this.#context.write(write)
      outcome = { status: 'done', pid: write.pid }`,
    test: ['test/contracts/checkpoint-first.test.ts', 'C3: a step starts only after'],
  },
  {
    contract: 'C3',
    what: 'a transition leaves out the context and the persisted members',
    file: 'src/engine/writes.ts',
    find: 'if (before[name] !== text) parts[name] = text',
    replace: "if (before[name] !== text && name !== 'memory') parts[name] = text",
    test: ['test/contracts/checkpoint-first.test.ts', 'C3: context, members, outputs'],
  },
  {
    contract: 'C3',
    what: 'half of a refused transition is saved',
    file: 'src/persistence/sqlite/writer.ts',
    find: 'return this.#connection.savepoint(() => this.#one(write, session, fresh))',
    replace: 'return this.#one(write, session, fresh)',
    test: ['test/contracts/checkpoint-first.test.ts', 'C3: of a transition that the database refuses'],
  },
  {
    contract: 'C4',
    what: 'the fence is not checked on the way from step to step, in SQLite',
    file: 'src/persistence/sqlite/advancing.ts',
    find: 'WHERE pid = ? AND fence = ? AND seq = ? AND owner',
    replace: 'WHERE pid = ? AND ? IS NOT NULL AND seq = ? AND owner',
    test: ['test/contracts/fenced-writes.test.ts', 'SQLite C4: a write of an owner'],
  },
  {
    contract: 'C4',
    what: 'the fence is not checked by the shared rule',
    file: 'src/persistence/rules.ts',
    find: 'const held = row.fence === write.fence &&',
    replace: 'const held =',
    test: ['test/contracts/fenced-writes.test.ts', 'memory C4: a write of an owner'],
  },
  {
    contract: 'C4',
    what: 'the sequence is not checked, in SQLite',
    file: 'src/persistence/sqlite/advancing.ts',
    find: 'pid = @pid AND fence = @fence AND seq = @before',
    replace: 'pid = @pid AND fence = @fence AND @before = @before',
    test: ['test/contracts/fenced-writes.test.ts', 'SQLite C4: a write that is not the next'],
  },
  {
    contract: 'C4',
    what: 'the same write twice is a conflict',
    file: 'src/persistence/rules.ts',
    find: 'const same = row.seq === write.seq &&',
    replace: 'const same = false &&',
    test: ['test/contracts/fenced-writes.test.ts', 'C4: the same write of'],
  },
  {
    contract: 'C4',
    what: 'an engine goes on with a process that it has lost',
    file: 'src/engine/runs.ts',
    find: "if (outcome.status !== 'done') { const reason",
    replace: "if (outcome.status === 'missing') { const reason",
    test: ['test/contracts/fenced-writes.test.ts', 'C4: an engine that has lost a process'],
  },
  {
    contract: 'C5',
    what: 'a kill is done to a process that has ended',
    file: 'src/persistence/rules.ts',
    find: 'const repeated = write.id !== undefined && row.last_request === write.id',
    replace: `const repeated = false
  if (write.request === 'kill') row.ended_at = null`,
    test: ['test/contracts/terminal.test.ts', 'C5: nothing leaves the state finished'],
  },
  {
    contract: 'C5',
    what: 'a completion that came after a kill is told that it was done',
    file: 'src/persistence/rules.ts',
    find: "return row.ended_at === null ? { status: 'fenced' } : { status: 'ended', state: row.state }",
    replace: "return row.ended_at === null ? { status: 'fenced' } : advanced(row, write)",
    test: ['test/contracts/terminal.test.ts', 'C5: of a kill and a completion'],
  },
  {
    contract: 'C7',
    what: 'a pause of a running process is acknowledged and not stored',
    file: 'src/persistence/rules.ts',
    find: 'else row.pause_asked = 1',
    replace: 'else row.pause_asked = 0',
    test: ['test/contracts/control.test.ts', 'C7: a pause of a running process'],
  },
  {
    contract: 'C7',
    what: 'a kill of what nobody runs waits for an engine',
    file: 'src/persistence/rules.ts',
    find: 'if (applied || write.grace <= 0) {',
    replace: 'if (write.grace <= 0) {',
    test: ['test/contracts/control.test.ts', 'C7: what no living engine runs'],
  },
  {
    contract: 'C7',
    what: 'nobody does a kill whose deadline has passed',
    file: 'src/persistence/sqlite/claiming.ts',
    find: 'outlook.nextDeadline <= now',
    replace: 'outlook.nextDeadline < 0',
    test: ['test/contracts/control.test.ts', 'SQLite C7: a kill is stored for its engine'],
  },
  {
    contract: 'C8',
    what: 'a resume that comes before the wait does not end it',
    file: 'src/persistence/waits.ts',
    find: 'return hasCome ? facts.now : earliest(row.due_at, row.deadline)',
    replace: 'return earliest(row.due_at, row.deadline)',
    test: ['test/engine/engine.test.ts', 'SQLite C8: a resume that comes before the wait'],
  },
  {
    contract: 'C9',
    what: 'processes of any version are claimed',
    file: 'src/persistence/sqlite/claiming.ts',
    find: 'AND version > ? AND version <= ? AND',
    replace: 'AND version > ? AND ? IS NOT NULL AND',
    test: ['test/contracts/loadable.test.ts', 'C9: only classes that an engine names'],
  },
  {
    contract: 'C9',
    what: 'a process of a class that the engine does not know is claimed',
    file: 'src/persistence/memory/memory-claiming.ts',
    find: '(can.get(row.class) ?? Number.NEGATIVE_INFINITY) >= row.version',
    replace: '(can.get(row.class) ?? row.version) >= row.version',
    test: ['test/engine/engine.test.ts', 'over memory C9: a class that no engine knows'],
  },
  {
    contract: 'C9',
    what: 'a damaged process is excepted instead of parked',
    file: 'src/engine/engine.ts',
    find: 'if (!(error instanceof PortValidationError)) {',
    replace: 'if (error === undefined) {',
    test: ['test/contracts/loadable.test.ts', 'C9: a damaged process'],
  },
  {
    contract: 'C9',
    what: 'a damaged process keeps its slot, and so holds up the others',
    file: 'src/engine/engine.ts',
    find: '.finally(() => this.#claims.giveBack())',
    replace: '',
    test: ['test/contracts/loadable.test.ts', 'C9: a damaged process'],
  },
  {
    contract: 'C10',
    what: 'functions are left out without a word',
    file: 'src/bundle/encode.ts',
    find: '#put(parent: Node, key: string, value: unknown): void {',
    replace: `#put(parent: Node, key: string, value: unknown): void {
    if (typeof value === 'function') return`,
    test: ['test/bundle/codec-refusals.test.ts', 'names ctx.jobs'],
  },
  {
    contract: 'C10',
    what: 'a Date is saved as a text',
    file: 'src/bundle/encode.ts',
    find: "return { $: 'Date', value: Number.isNaN(time) ? null : new Date(time).toISOString() }",
    replace: 'return Number.isNaN(time) ? null : new Date(time).toISOString()',
    test: ['test/bundle/round-trip.test.ts', 'comes back as it went'],
  },
  {
    contract: 'C11',
    what: 'crashes are not counted',
    file: 'src/persistence/rules.ts',
    find: 'row.crashes++',
    replace: '',
    test: ['test/contracts/crashes.test.ts', 'C11: crashes without a commit in between'],
  },
  {
    contract: 'C11',
    what: 'processes are paused that only ran beside the one that crashed',
    file: 'src/persistence/rules.ts',
    find: 'const blamed = row.alone === 1 && row.crashes >= PAUSED_AFTER',
    replace: 'const blamed = row.crashes >= SUSPECT_AFTER',
    test: ['test/contracts/crashes.test.ts', 'C11: innocent processes'],
  },
  {
    contract: 'C11',
    what: 'only the lease tells that an engine has died',
    file: 'src/persistence/sqlite/engines.ts',
    find: "row.expires > now && lockState(this.#connection.path, id) !== 'free'",
    replace: 'row.expires > now',
    test: ['test/contracts/crashes.test.ts', 'C11: an engine whose program has ended'],
  },
  {
    contract: 'C12',
    what: 'steps that outlast the drain are killed',
    file: 'src/engine/runs.ts',
    find: 'for (const run of Array.from(this.#live.values())) this.#lose(run, reason)',
    replace: `for (const run of Array.from(this.#live.values())) {
      hosted(run.process).kill(reason.message, { force: true })
      await this.#context.write({
        kind: 'request', pid: run.process.pid, request: 'kill', message: null, grace: 0, by: '', killedState: null,
      })
    }`,
    test: ['test/engine/engine.test.ts', 'SQLite C12: a step that outlasts the drain'],
  },
  {
    contract: 'C12',
    what: 'a clean stop counts as a crash',
    file: 'src/persistence/sqlite/claiming.ts',
    find: 'const { history } = rules.release(row, row, factsOf(session, row.pid))',
    replace: 'const history = rules.crashed(row, factsOf(session, row.pid))',
    test: ['test/contracts/stop.test.ts', 'SQLite C12: an engine that leaves'],
  },
  {
    contract: 'C12',
    what: 'an engine does not hear SIGTERM',
    file: 'src/engine/stop-signals.ts',
    find: "process.on('SIGTERM', heard)",
    replace: '',
    test: ['test/crash/crashes.test.ts', 'C12: on SIGTERM'],
  },
]
