/* This file is longer than 400 lines, because it has a method for each of `Tables`. */
import type { LogEntry } from '../../process/state/report.ts'
import type { Message } from '../rules/claim.ts'
import type { Awaited, AwaitTarget, Entry } from '../rules/decision.ts'
import type { Groups } from '../rules/groups.ts'
import type { Lifetime } from '../rules/result-dropping.ts'
import { CHECKPOINT_PART, OUTPUT_PREFIX, RECORD_PREFIX } from '../rules/parts.ts'
import { afterOf, changeOf, reportedChange, type ActorRow, type BriefRow, type Row } from '../rules/row.ts'
import type { Ends, MetNeed, NeedEntry } from '../rules/upstream.ts'
import type { WriteTables } from '../rules/write.ts'
import type { Change } from '../contract/rows.ts'
import type { CallOrder, Parts } from '../contract/writes.ts'
import { FIRST_CALLS, type Loaded, type LoadedRow } from './loaded.ts'
import { NotLoaded } from './not-loaded.ts'
import { COLUMN_NAMES, MOVED } from './schema.ts'
import { SessionGroups } from './session-groups.ts'
import { SessionNeeds, type SessionNeed } from './session-needs.ts'
import { changedColumns, copyOf, type StoredRow } from './stored-row.ts'
import { Wanted } from './wanted.ts'
import { lifetimeColumns, Work, type KeptMessage } from './work.ts'

/**
 * One commit, as the rules see it: what was loaded, and what they change. `document` is the argument of
 * the function `apply`.
 *
 * Each relation between two processes is noted at both. When the commit is applied, the `rev` of
 * each process that the rules read is checked, so two commits that affect each other never both
 * apply.
 */
export class PostgresSession implements WriteTables {
  readonly now: number
  readonly changes: Change[] = []
  readonly wanted = new Wanted()
  readonly groups: Groups
  readonly #loaded: Loaded
  readonly #works = new Map<string, Work>()
  readonly #needs = new SessionNeeds()
  readonly #changedAwaits = new Map<string, { readonly pid: string; readonly target: string }>()
  readonly #history: unknown[] = []
  readonly #log: unknown[] = []
  readonly #reported: unknown[] = []
  readonly #taken: number[] = []
  readonly #dropMessages = new Set<string>()
  readonly #added: { readonly pid: string; readonly kept: KeptMessage }[] = []
  readonly #retained = new Map<
    string,
    { readonly pair: readonly [string, string]; readonly holds: boolean }
  >()
  readonly #lifetimes = new Set<string>()
  readonly #dropCheckpoints = new Set<string>()
  readonly #checkpoints: unknown[] = []
  readonly #inserted: string[] = []
  readonly #keys = new Map<string, string>()
  readonly #sessionGroups: SessionGroups
  #lastMessage = 0

  constructor(loaded: Loaded, now: number) {
    this.#loaded = loaded
    this.now = now
    this.#sessionGroups = new SessionGroups(loaded, this.wanted)
    this.groups = this.#sessionGroups
  }

  alive(engine: string): boolean {
    const { engines } = this.#loaded
    return engines === undefined ? this.#miss(() => (this.wanted.engines = true)) : engines.has(engine)
  }

  get(pid: string): StoredRow | undefined {
    const work = this.#find(pid)
    return work && copyOf(work.row)
  }

  brief(pid: string): StoredRow | undefined {
    return this.get(pid)
  }

  byKey(key: string): Row | undefined {
    const pid = this.#keys.get(key) ?? this.#loaded.pidOf(key)
    if (pid !== undefined) return this.get(pid)
    if (!this.#loaded.wanted.keys.has(key)) this.#miss(() => this.wanted.keys.add(key))
    return undefined
  }

  inputs(pid: string): string | undefined {
    return this.parts(pid)['inputs']
  }

  /** The parts of a process beside `state`. */
  parts(pid: string): Parts {
    const work = this.#work(pid)
    if (work.loaded?.parts === null) this.#miss(() => this.wanted.parts.add(pid))
    const parts: Record<string, string> = Object.fromEntries(work.loaded?.parts ?? [])
    for (const name of Object.keys(parts))
      if ([...(work.droppedPrefixes ?? [])].some((prefix) => name.startsWith(prefix))) delete parts[name]
    for (const [name, text] of work.parts ?? [])
      if (text === null) delete parts[name]
      else parts[name] = text
    return parts
  }

  insert(row: Row, parts: Parts, history: readonly Entry[]): void {
    const work = new Work(Object.assign(row, { rev: 0, entries: 0, log_entries: 0 }), undefined)
    this.#works.set(row.pid, work)
    this.#inserted.push(row.pid)
    if (row.key !== null) this.#keys.set(row.key, row.pid)
    for (const [name, text] of Object.entries(parts)) this.#putPart(work, name, text)
    // A kill of a tree must not overlook a child that is created at the same time.
    if (row.parent !== null) {
      const parent = this.#find(row.parent)
      if (parent !== undefined) parent.isTouched = true
    }
    if (row.actor !== null) this.#putCall(row.actor, row)
    this.#put(work, work.row, history)
  }

  delete({ pid }: Row): void {
    const work = this.#work(pid)
    work.isDeleted = true
    work.isTouched = true
  }

  put(row: Row, history: readonly Entry[]): void {
    const work = this.#work(row.pid)
    this.#put(work, row, history)
    if (row.actor !== null && row.ended_at !== null) this.#callEnded(row.actor, row.pid)
  }

  putReady({ pid, ready_at }: BriefRow, history: readonly Entry[]): void {
    const work = this.#work(pid)
    this.#put(work, Object.assign(copyOf(work.row), { ready_at }), history)
  }

  putParent({ pid, parent }: BriefRow, history: readonly Entry[]): void {
    const work = this.#work(pid)
    for (const one of [work.row.parent, parent]) {
      const above = one === null ? undefined : this.#find(one)
      if (above !== undefined) above.isTouched = true
    }
    this.#put(work, Object.assign(copyOf(work.row), { parent }), history)
  }

  putQueue({ pid, calls, ready_at }: ActorRow, history: readonly Entry[]): void {
    const work = this.#work(pid)
    this.#put(work, Object.assign(copyOf(work.row), { calls, ready_at }), history)
  }

  putRunnable({ pid, awaits }: BriefRow, history: readonly Entry[]): void {
    const work = this.#work(pid)
    const { actor } = work.row
    if (actor !== null) this.#putCall(actor, { pid, awaits })
    this.#put(work, Object.assign(copyOf(work.row), { awaits }), history)
  }

  clearAlone(pid: string, engine: string): void {
    const work = this.#find(pid)
    if (work?.row.owner === engine) this.#put(work, Object.assign(copyOf(work.row), { alone: 0 }), [])
  }

  targets(pids: readonly string[], of: string): readonly AwaitTarget[] {
    return this.#each(pids).flatMap(({ row: { pid, ended_at, parent } }) => {
      const target = { pid, ended: ended_at !== null, isChild: parent === of }
      return target.ended && target.isChild ? [] : [target]
    })
  }

  descendants(pid: string): readonly string[] {
    const known = this.#loaded.descendants(pid)
    // A process that this commit creates has only the children that it creates.
    if (known === undefined && this.#work(pid).loaded !== undefined)
      this.#miss(() => this.wanted.trees.add(pid))
    const found = new Set(known)
    const pids = new Set([pid, ...found])
    for (const created of this.#inserted) {
      const { row } = this.#work(created)
      if (row.abandoned === 0 && row.parent !== null && pids.has(row.parent)) {
        pids.add(created)
        found.add(created)
      }
    }
    return this.#each([...found]).flatMap(({ row }) => (row.ended_at === null ? [row.pid] : []))
  }

  putParts(pid: string, parts: Parts): void {
    const work = this.#work(pid)
    for (const [name, text] of Object.entries(parts)) if (name !== 'state') this.#putPart(work, name, text)
  }

  dropPart(pid: string, name: string): void {
    const work = this.#work(pid)
    ;(work.parts ??= new Map()).set(name, null)
    work.isTouched = true
  }

  dropRecord(pid: string): void {
    this.#dropPrefix(this.#work(pid), RECORD_PREFIX)
  }

  dropCheckpoint(pid: string): void {
    this.dropPart(pid, CHECKPOINT_PART)
    this.dropRecord(pid)
  }

  dropOutputs(pid: string): boolean {
    const work = this.#work(pid)
    const { hasOutputs } = work
    this.#dropPrefix(work, OUTPUT_PREFIX)
    work.hasOutputs = false
    return hasOutputs
  }

  report(row: Row, log: readonly LogEntry[]): void {
    const work = this.#work(row.pid)
    for (const entry of log) {
      work.row = Object.assign(copyOf(work.row), { log_entries: work.row.log_entries + 1 })
      this.#log.push([row.pid, work.row.log_entries, JSON.stringify(entry)])
    }
    const { reported, progress } = row
    this.#put(work, Object.assign(copyOf(work.row), { reported, progress }), [])
    this.#reported.push([row.pid, this.now, row.progress])
    this.changes.push(reportedChange(row, this.now))
  }

  putCheckpoint(pid: string, tag: string, text: string): void {
    this.#work(pid).isTouched = true
    this.#checkpoints.push([pid, tag, text])
  }

  dropCheckpoints(pid: string): void {
    this.#work(pid).isTouched = true
    this.#dropCheckpoints.add(pid)
  }

  message(pid: string, signal: string | null, except: number | null = null): Message | undefined {
    return this.#work(pid).messages.find((kept) => kept.signal === signal && kept.id !== except)
  }

  hasMessageFrom(pid: string, sender: string): boolean {
    return this.#work(pid).messages.some((kept) => kept.sender === sender)
  }

  addMessage(pid: string, sender: string, signal: string | null, value: string): void {
    const work = this.#work(pid)
    // The database gives it its number.
    const kept = { id: --this.#lastMessage, sender, signal, value }
    work.messages.push(kept)
    work.isTouched = true
    this.#added.push({ pid, kept })
  }

  takeMessage(pid: string, id: number): string | undefined {
    const work = this.#work(pid)
    const taken = work.messages.find((kept) => kept.id === id)
    if (taken === undefined) return undefined
    work.messages = work.messages.filter((kept) => kept !== taken)
    work.isTouched = true
    this.#taken.push(id)
    return taken.sender
  }

  dropMessages(pid: string): void {
    const work = this.#work(pid)
    if (work.messages.length === 0) return
    work.messages = []
    work.isTouched = true
    this.#dropMessages.add(pid)
  }

  actor(pid: string): ActorRow | undefined {
    return this.get(pid)
  }

  hasCall(actor: string, order: CallOrder): boolean {
    const work = this.#work(actor)
    for (const waits of work.calls?.values() ?? []) {
      if (!waits) return true
      if (order === 'strict') return false
    }
    this.#requireQueue(work)
    return false
  }

  queued(actor: string): readonly string[] {
    const work = this.#work(actor)
    this.#requireQueue(work)
    const pids = [...(work.calls?.keys() ?? [])]
    // The rules continue with each of them.
    this.#each(pids)
    return pids
  }

  isAwaiting(pid: string): boolean {
    return [...(this.#work(pid).awaits?.values() ?? [])].includes(false)
  }

  addAwaits(pid: string, awaited: readonly Awaited[]): void {
    this.#each(awaited.map((one) => one.pid))
    for (const { pid: target, over } of awaited) this.#await(pid, target, over)
  }

  settleAwaits(pid: string): void {
    for (const target of this.#awaited(pid)) this.#await(pid, target, true)
  }

  dropAwaits(pid: string): void {
    for (const target of this.#awaited(pid)) this.#await(pid, target, null)
  }

  takeWaiters(target: string): readonly string[] {
    const { waiters, row } = this.#work(target)
    const waiting = [...(waiters ?? [])].flatMap(([pid, over]) => (over ? [] : [pid]))
    this.#each(waiting)
    for (const pid of waiting) this.#await(pid, target, pid === row.parent ? null : true)
    return waiting
  }

  ends(pids: readonly string[]): Ends {
    return new Map(
      this.#each(pids).map(({ row }) => [row.pid, row.ended_at === null ? null : row.successful === 1]),
    )
  }

  addNeeds(pid: string, needs: readonly NeedEntry[]): void {
    this.#each(needs.map((need) => need.pid))
    for (const { pid: target, ended, any, over } of needs) {
      const need = { pid, target, ended, any, over }
      this.#touch(need)
      this.#needs.add(need)
    }
  }

  hasNeeds(pid: string, which: 'all' | 'any' = 'all'): boolean {
    return this.#needsOf(pid).some(({ over, any }) => !over && (which === 'all' || any))
  }

  leftNeeds(pid: string): readonly string[] {
    return [...new Set(this.#needsOf(pid).flatMap(({ target, over }) => (over ? [] : [target])))]
  }

  settleNeeds(pid: string, which: 'all' | 'any'): void {
    this.#makeOver(this.#needsOf(pid).filter(({ any }) => which === 'all' || any))
  }

  takeNeeds(target: string): readonly MetNeed[] {
    this.#work(target)
    const left = this.#needs.on(target).filter(({ over }) => !over)
    this.#each(left.map(({ pid }) => pid))
    this.#makeOver(left)
    return left.map(({ pid, ended, any }) => ({ pid, ended, any }))
  }

  dropNeeds(pid: string): void {
    for (const need of this.#needsOf(pid)) {
      this.#touch(need)
      this.#needs.drop(need)
    }
  }

  needing(target: string): string | undefined {
    const { waiters } = this.#work(target)
    return this.#needs.on(target)[0]?.pid ?? waiters?.keys().next().value
  }

  lifetime(pid: string): Lifetime | undefined {
    return this.#find(pid)?.lifetime
  }

  putLifetime(pid: string, lifetime: Lifetime): void {
    const work = this.#work(pid)
    work.lifetime = lifetime
    work.isTouched = true
    this.#lifetimes.add(pid)
  }

  endLifetime(pid: string, ended: (lifetime: Lifetime) => Lifetime): void {
    const lifetime = this.lifetime(pid)
    if (lifetime !== undefined) this.putLifetime(pid, ended(lifetime))
  }

  isRetained(pid: string): boolean {
    return (this.#work(pid).retainedBy?.size ?? 0) > 0
  }

  retain(pid: string, session: string): void {
    const work = this.#work(pid)
    ;(work.retainedBy ??= new Set()).add(session)
    work.isTouched = true
    this.#retained.set(`${pid} ${session}`, { pair: [pid, session], holds: true })
  }

  unretain(pid: string, session: string): void {
    const work = this.#find(pid)
    if (work === undefined) return
    work.retainedBy?.delete(session)
    work.isTouched = true
    this.#retained.set(`${pid} ${session}`, { pair: [pid, session], holds: false })
  }

  /** What the function `apply` must store; undefined if nothing changes. */
  document(): unknown {
    const works = [...this.#works.values()]
    const isChanged = works.some(({ isPut, isTouched }) => isPut || isTouched)
    const groups = this.#sessionGroups.changed()
    if (!isChanged && groups.length === 0) return undefined
    const rows: Record<'read' | 'inserts' | 'updates' | 'moves' | 'touched' | 'pruned', unknown[]> = {
      read: [],
      inserts: this.#inserted.map((pid) => valuesOf(this.#work(pid).row)),
      updates: [],
      moves: [],
      touched: [],
      pruned: [],
    }
    const parts: Record<'dropPrefix' | 'dropParts' | 'parts', unknown[]> = {
      dropPrefix: [],
      dropParts: [],
      parts: [],
    }
    for (const work of works) {
      const { row, loaded, isPut, isTouched, isDeleted } = work
      const { pid } = row
      if (loaded !== undefined) rows.read.push([pid, loaded.row.rev])
      if (isDeleted) rows.pruned.push(pid)
      if (loaded !== undefined && isPut && !isDeleted) {
        const changed = changedColumns(loaded.row, row)
        if (changed.every((name) => IS_MOVED.has(name)))
          rows.moves.push([pid, ...MOVED.map((name) => row[name])])
        else
          rows.updates.push(Object.fromEntries([['pid', pid], ...changed.map((name) => [name, row[name]])]))
      } else if (loaded !== undefined && isTouched && !isPut) rows.touched.push([pid, work.nextRev])
      for (const prefix of work.droppedPrefixes ?? []) parts.dropPrefix.push([pid, prefix])
      for (const [name, text] of work.parts ?? [])
        if (text !== null) parts.parts.push([pid, name, text])
        else if (loaded !== undefined) parts.dropParts.push([pid, name])
    }
    const retained = [...this.#retained.values()]
    return withoutEmpty({
      ...rows,
      ...parts,
      free: this.#loaded.assumedFree,
      history: this.#history,
      log: this.#log,
      reported: this.#reported,
      dropMessages: [...this.#dropMessages],
      taken: this.#taken.filter((id) => id > 0),
      messages: this.#added
        .filter(({ pid, kept }) => this.#work(pid).messages.includes(kept))
        .map(({ pid, kept }) => [pid, kept.sender, kept.signal, kept.value]),
      awaits: [...this.#changedAwaits.values()].map(({ pid, target }) => {
        const over = this.#work(pid).awaits?.get(target)
        return [pid, target, over === undefined ? null : Number(over)]
      }),
      needs: this.#needs.changed(),
      lifetimes: [...this.#lifetimes].map((pid) =>
        lifetimeColumns(pid, this.#work(pid).lifetime as Lifetime),
      ),
      unretained: retained.filter(({ holds }) => !holds).map(({ pair }) => pair),
      retained: retained.filter(({ holds }) => holds).map(({ pair }) => pair),
      dropCheckpoints: [...this.#dropCheckpoints],
      checkpoints: this.#checkpoints,
      groups,
    })
  }

  /** The pids of the processes that the rules have looked at. */
  get pids(): Iterable<string> {
    return this.#works.keys()
  }

  /**
   * The processes as they are after the commit, without their parts. Left out are actors and calls, whose
   * queue others change, and those with messages, whose numbers only the database knows.
   */
  after(): readonly LoadedRow[] {
    return [...this.#works.values()].flatMap((work) => {
      const { row, isDeleted, messages } = work
      const isLeftOut =
        isDeleted || row.actor !== null || row.calls !== null || messages.some(({ id }) => id < 0)
      return isLeftOut ? [] : work.after(this.#needs)
    })
  }

  #put(work: Work, row: Row, history: readonly Entry[]): void {
    work.isPut = true
    const { log_entries } = work.row
    let { entries } = work.row
    for (const { name, data, by } of history) {
      entries++
      this.#history.push([row.pid, entries, row.seq, this.now, name, data, by])
      this.changes.push(changeOf(afterOf(row, this.now), { name, data, at: this.now, by }))
    }
    // The rules change a row no more once they have put it.
    const stored = row as StoredRow
    stored.rev = work.nextRev
    stored.entries = entries
    stored.log_entries = log_entries
    work.row = stored
  }

  #putPart(work: Work, name: string, text: string): void {
    ;(work.parts ??= new Map()).set(name, text)
    work.isTouched = true
    if (name.startsWith(OUTPUT_PREFIX)) work.hasOutputs = true
  }

  #dropPrefix(work: Work, prefix: string): void {
    for (const name of Array.from(work.parts?.keys() ?? []))
      if (name.startsWith(prefix)) work.parts?.delete(name)
    ;(work.droppedPrefixes ??= new Set()).add(prefix)
    work.isTouched = true
  }

  #putCall(actor: string, { pid, awaits }: Pick<Row, 'pid' | 'awaits'>): void {
    const work = this.#work(actor)
    ;(work.calls ??= new Map()).set(pid, awaits === 'inputs')
  }

  #callEnded(actor: string, pid: string): void {
    this.#find(actor)?.calls?.delete(pid)
  }

  /** Asks for all calls of an actor, unless they are known. */
  #requireQueue({ loaded, row }: Work): void {
    const isCut = (loaded?.calls?.length ?? 0) >= FIRST_CALLS && !this.#loaded.wanted.queues.has(row.pid)
    if (isCut) this.#miss(() => this.wanted.queues.add(row.pid))
  }

  /** What a process awaits, all of which is loaded. */
  #awaited(pid: string): readonly string[] {
    const targets = [...(this.#work(pid).awaits?.keys() ?? [])]
    this.#each(targets)
    return targets
  }

  /** Notes a wait, or with null that there is none any more, at both processes. */
  #await(pid: string, target: string, over: boolean | null): void {
    const work = this.#work(pid)
    const awaited = this.#find(target)
    if (over === null) {
      work.awaits?.delete(target)
      awaited?.waiters?.delete(pid)
    } else {
      ;(work.awaits ??= new Map()).set(target, over)
      if (awaited !== undefined) (awaited.waiters ??= new Map()).set(pid, over)
    }
    work.isTouched = true
    if (awaited !== undefined) awaited.isTouched = true
    this.#changedAwaits.set(`${pid} ${target}`, { pid, target })
  }

  #needsOf(pid: string): readonly SessionNeed[] {
    this.#work(pid)
    const needs = this.#needs.of(pid)
    this.#each(needs.map(({ target }) => target))
    return needs
  }

  #makeOver(needs: readonly SessionNeed[]): void {
    for (const need of needs) {
      if (need.over) continue
      this.#touch(need)
      this.#needs.makeOver(need)
    }
  }

  /** Both processes of a need are checked when the commit is applied. */
  #touch({ pid, target }: SessionNeed): void {
    this.#work(pid).isTouched = true
    const needed = this.#find(target)
    if (needed !== undefined) needed.isTouched = true
  }

  /** All of these processes that exist. Asks for all that are not loaded at once. */
  #each(pids: readonly string[]): readonly Work[] {
    const missing = pids.filter((pid) => !this.#works.has(pid) && !this.#loaded.looksFor(pid))
    if (missing.length > 0) this.#miss(() => missing.forEach((pid) => this.wanted.pids.add(pid)))
    return pids.map((pid) => this.#find(pid)).filter((work) => work !== undefined)
  }

  #find(pid: string): Work | undefined {
    const known = this.#works.get(pid)
    if (known !== undefined) return known.isDeleted ? undefined : known
    if (!this.#loaded.looksFor(pid)) this.#miss(() => this.wanted.pids.add(pid))
    const loaded = this.#loaded.row(pid)
    if (loaded === undefined) return undefined
    const work = new Work(loaded.row, loaded)
    this.#works.set(pid, work)
    this.#needs.load(pid, loaded)
    return work
  }

  #work(pid: string): Work {
    const work = this.#find(pid)
    if (work === undefined) throw new Error(`there is no process ${pid}`)
    return work
  }

  #miss(want: () => void): never {
    want()
    throw new NotLoaded('the rules need more of the database')
  }
}

const IS_MOVED: ReadonlySet<string> = new Set(MOVED)

function valuesOf(row: StoredRow): readonly unknown[] {
  return COLUMN_NAMES.map((name) => row[name])
}

function withoutEmpty(document: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(document).filter(
      ([name, value]) => name === 'read' || (value as readonly unknown[]).length > 0,
    ),
  )
}
