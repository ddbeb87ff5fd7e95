import { errorText } from '../../shared/error-text.ts'
import { DamsonError, PersistenceError } from '../../shared/errors.ts'
import { adopt, apply, applyToResult, isOfResult } from '../rules/apply.ts'
import { beginLifetime, referenceRefusal, referred } from '../rules/result-dropping.ts'
import { newRow, existingOutcome, adoptionRefusal, creationRefusal } from '../rules/new-row.ts'
import { failNewCall } from '../rules/ends.ts'
import { completeGroup, findMember, positionText, putMember } from '../rules/groups.ts'
import { addCall, callRefusal, serveCalls, type HotEnds } from '../rules/mailbox.ts'
import { isKept, unstorable } from '../rules/parts.ts'
import type { ActorRow, BriefRow } from '../rules/row.ts'
import { prune } from '../rules/prune.ts'
import { failedNeed, neededPids, upstreamRefusal, type Ends } from '../rules/upstream.ts'
import type { SqliteTransaction } from '../../process/host/transaction.ts'
import type { Outcome } from '../contract/outcomes.ts'
import type { RecordHead } from '../contract/store.ts'
import type { CompleteGroup, Create, Prune, ServeCalls, StepRecord, Write } from '../contract/writes.ts'
import { advance, endCall, type HotTables } from './advance.ts'
import type { Connection } from './connection.ts'
import { isDamage, isOfOneWrite, persistenceError } from './driver-errors.ts'
import { FailedAlone } from './failed-alone.ts'
import type { GroupTable } from './group-table.ts'
import type { MailboxTable } from './mailbox-table.ts'
import { OwnTransaction } from './own-transaction.ts'
import type { ProcessTable, StoredRow } from './process-table.ts'
import { noParts, putInRow, type NamedText } from './row-parts.ts'
import type { Session } from './session.ts'
import type { SqliteTables } from './sqlite-tables.ts'

/**
 * The database refused a value in the middle of a transaction, or a write can't be applied as a whole. The
 * transaction must be made again with savepoints.
 */
export class RefusedInBatch extends DamsonError {}

/** A transaction with rows of the user is rolled back, because its record has this outcome. */
export class RolledBack extends DamsonError {
  readonly outcome: Outcome

  constructor(outcome: Outcome) {
    super('the record was not stored')
    this.outcome = outcome
  }
}

type WriterTables = Pick<SqliteTables, 'processes' | 'histories' | 'groups' | 'mailboxes'>

/** How to apply a batch that has failed before. */
export interface Care {
  /** Whether to set a savepoint around each write. */
  readonly careful: boolean
  /** The writes that failed over a damaged page, and their errors. */
  readonly damaged: ReadonlyMap<Write, unknown>
}

const NONE: ReadonlyMap<Write, unknown> = new Map()

/** Applies a batch of writes inside a transaction. */
export class Writer {
  readonly #connection: Connection
  readonly #hot: HotTables
  readonly #processes: ProcessTable
  readonly #groups: GroupTable
  readonly #mailboxes: MailboxTable

  constructor(connection: Connection, { processes, histories, groups, mailboxes }: WriterTables) {
    this.#connection = connection
    this.#hot = { connection, processes, histories }
    this.#processes = processes
    this.#groups = groups
    this.#mailboxes = mailboxes
  }

  /**
   * Applies a batch and returns its outcomes. The conditions of the statements check the writes, so
   * that they need no savepoints. If a statement throws over a value (`RefusedInBatch`), the
   * batch is made again with a savepoint around each write (`careful`). If one throws over a
   * damaged page (`FailedAlone`), it is made again without that write.
   */
  apply(writes: readonly Write[], session: Session, { careful, damaged }: Care): Outcome[] {
    const fresh = new Set<string>()
    return writes.map((write) => {
      const problem = unstorable(write)
      if (problem !== undefined) return { status: 'refused', error: problem }
      if (damaged.has(write)) return this.#damaged(write, damaged.get(write))
      const savepoint = careful ? session.savepoint : undefined
      try {
        if (!careful) return this.#one(write, session, fresh, careful)
        return this.#connection.savepoint(() => this.#one(write, session, fresh, careful))
      } catch (error) {
        if (isDamage(error)) throw new FailedAlone(write, error)
        if (!isOfOneWrite(error)) throw error
        if (savepoint === undefined)
          throw new RefusedInBatch('a write of the batch was refused', { cause: error })
        session.forget(savepoint)
        if (write.kind === 'create') fresh.delete(write.pid)
        return { status: 'refused', error: refusal(write, error) }
      }
    })
  }

  /**
   * Calls the user's function within the transaction, and applies the record that it returns. A record that
   * is stored already is applied again, which changes nothing (C4).
   */
  applyOwn(head: RecordHead, act: (tx: SqliteTransaction) => StepRecord, session: Session): Outcome {
    const row = this.#processes.get(head.pid)
    const isStored = row !== undefined && row.fence === head.fence && head.count <= row.records
    let write: StepRecord = { ...head, parts: {}, consumes: null, history: [] }
    if (!isStored) {
      const tx = new OwnTransaction(this.#connection)
      write = act(tx)
      tx.end()
    }
    const [outcome] = this.apply([write], session, { careful: true, damaged: NONE })
    return outcome as Outcome
  }

  #damaged(write: Write, error: unknown): Outcome {
    const doing = `the ${write.kind} of process ${write.pid}`
    return { status: 'refused', damaged: true, error: persistenceError(this.#connection.path, doing, error) }
  }

  #one(write: Write, session: Session, fresh: Set<string>, careful: boolean): Outcome {
    switch (write.kind) {
      case 'advance':
        return advance(this.#hot, session, write)
      case 'create':
        return this.#create(write, session, fresh)
      case 'prune':
        return this.#prune(write, session)
      case 'complete':
        return this.#complete(write)
      case 'calls':
        return serveCalls(session, write, careful ? undefined : this.#hotEnds(session, write))
      default:
        return isOfResult(write) ? applyToResult(session, write) : apply(session, write)
    }
  }

  #hotEnds(session: Session, { pid }: ServeCalls): HotEnds {
    return {
      end: (call) => endCall(this.#hot, session, call, pid),
      undo: () => {
        throw new RefusedInBatch(`a call of ${pid} may not end`)
      },
    }
  }

  #prune({ pid }: Prune, session: Session): Outcome {
    const row = this.#processes.brief(pid)
    if (row === undefined) return { status: 'missing' }
    const parent = row.parent === null ? undefined : this.#processes.brief(row.parent)
    const outcome = prune(row, parent, () => session.needing(pid))
    if (outcome.status !== 'done') return outcome
    this.#groups.leave(row.id)
    session.deleteLifetime(pid)
    this.#processes.delete(row)
    return outcome
  }

  #complete(write: CompleteGroup): Outcome {
    return completeGroup(
      this.#groups,
      write,
      write.parent === null ? null : this.#processes.brief(write.parent),
    )
  }

  #create(write: Create, session: Session, fresh: Set<string>): Outcome {
    const outcome = this.#createInGroup(write, session, fresh)
    const isLimited = write.retention !== undefined || write.retainedBy !== undefined
    if (isLimited && outcome.status === 'done')
      beginLifetime(session, outcome.pid, write, outcome.existed === false)
    return outcome
  }

  #createInGroup(write: Create, session: Session, fresh: Set<string>): Outcome {
    const { group } = write
    if (group === undefined) return this.#createOne(write, session, fresh)
    const { refusal, member } = findMember(this.#groups, write, group)
    if (refusal !== undefined) return refusal
    const found = member === undefined || member === write.pid ? undefined : this.#processes.get(member)
    if (found !== undefined) return this.#existingOutcome(found, write, fresh, positionText(group))
    const outcome = this.#createOne(write, session, fresh)
    if (outcome.status === 'done') putMember(this.#groups, write, group, outcome.pid)
    return outcome
  }

  #createOne(write: Create, session: Session, fresh: Set<string>): Outcome {
    let parent: BriefRow | undefined
    let ends: Ends | undefined
    let actor: ActorRow | undefined
    if (
      write.parent !== null ||
      write.adopts !== undefined ||
      write.refers !== undefined ||
      write.upstream != null ||
      write.actor !== undefined
    ) {
      // An existing process is found whatever has become since of its parent and of what it needed.
      const existing = this.#existing(write, fresh)
      if (existing !== undefined) return existing
      if (write.parent !== null) parent = this.#processes.brief(write.parent)
      ends = write.upstream == null ? undefined : session.ends(neededPids(write))
      const refused =
        creationRefusal(write, parent) ??
        adoptionRefusal(write, (pid) => this.#processes.brief(pid)) ??
        referenceRefusal(session, write) ??
        (ends && upstreamRefusal(write, ends))
      if (refused !== undefined) return refused
      if (write.actor !== undefined && !this.#mailboxes.add(write.actor, calledClass(write))) {
        actor = session.actor(write.actor)
        const refusedCall = callRefusal(write, actor)
        if (refusedCall !== undefined) return refusedCall
      }
    }
    const { outcome, row, awaits, needs, history, log } = newRow(write, parent, session, ends)
    const parts = noParts()
    const large: NamedText[] = []
    for (const name in write.parts) {
      const text = write.parts[name] as string
      if (isKept(name, write) && !putInRow(parts, name, text)) large.push([name, text])
    }
    const changes = session.changes.length
    const lines = session.lines(row, history)
    if (!this.#processes.insert(row, parts, Number(large.length > 0), lines)) {
      session.changes.length = changes
      return (
        this.#existing(write, fresh) ?? {
          status: 'refused',
          error: new PersistenceError(`${write.pid} cannot be created`),
        }
      )
    }
    session.mark(row.id, history)
    if (log !== undefined) {
      this.#processes.updateReport(row)
      session.report(row, log)
    }
    for (const [name, text] of large) this.#processes.putBeside(row.id, name, text)
    const awaited = [...awaits, ...referred(write, awaits)]
    if (awaited.length > 0) session.addAwaits(write.pid, awaited)
    if (needs.length > 0) session.addNeeds(write.pid, needs)
    fresh.add(write.pid)
    if (actor !== undefined) addCall(session, actor)
    const failed = write.actor === undefined ? undefined : ends && failedNeed(write, ends)
    if (failed !== undefined) failNewCall(session, write.pid, failed.pid)
    adopt(session, write)
    return outcome
  }

  #existing(write: Create, fresh: ReadonlySet<string>): Outcome | undefined {
    const found =
      this.#processes.get(write.pid) ?? (write.key === null ? undefined : this.#processes.byKey(write.key))
    return found && this.#existingOutcome(found, write, fresh)
  }

  #existingOutcome(found: StoredRow, write: Create, fresh: ReadonlySet<string>, what?: string): Outcome {
    return existingOutcome(found, this.#processes.parts(found)['inputs'], write, fresh.has(found.pid), what)
  }
}

/** The class of the actor of a call. */
function calledClass({ className }: Create): string {
  return className.slice(0, className.indexOf('.'))
}

function refusal(write: Write, error: unknown): PersistenceError {
  const said = errorText(error)
  return new PersistenceError(
    `the ${write.kind} of process ${write.pid} was refused by the database: ${said}`,
    {
      cause: error,
    },
  )
}
