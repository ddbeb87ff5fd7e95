import { Authors } from './authors.ts'
import { AwaitsTable } from './awaits-table.ts'
import { ClassTable } from './class-table.ts'
import type { Connection } from './connection.ts'
import { EngineTable } from './engine-table.ts'
import { Feed } from './feed.ts'
import { GroupTable } from './group-table.ts'
import { HistoryTable } from './history-table.ts'
import type { LeaseJudge } from './lease-judge.ts'
import { LifetimeTable } from './lifetime-table.ts'
import { LogTable } from './log-table.ts'
import { MailboxTable } from './mailbox-table.ts'
import { MessageTable } from './message-table.ts'
import { NeedTable } from './need-table.ts'
import { ProcessTable } from './process-table.ts'
import { SqliteCheckpoints } from './sqlite-checkpoints.ts'

/** The tables of one file. */
export interface SqliteTables {
  readonly processes: ProcessTable
  readonly histories: HistoryTable
  readonly authors: Authors
  readonly feed: Feed
  readonly logs: LogTable
  readonly messages: MessageTable
  readonly awaits: AwaitsTable
  readonly needs: NeedTable
  readonly lifetimes: LifetimeTable
  readonly mailboxes: MailboxTable
  readonly classes: ClassTable
  readonly groups: GroupTable
  readonly checkpoints: SqliteCheckpoints
  readonly engines: EngineTable
}

export function tablesOf(connection: Connection, judge: LeaseJudge): SqliteTables {
  const authors = new Authors(connection)
  const histories = new HistoryTable(connection, authors)
  const logs = new LogTable(connection)
  const processes = new ProcessTable(connection, histories, logs)
  return {
    processes,
    histories,
    authors,
    feed: new Feed(connection),
    logs,
    messages: new MessageTable(connection),
    awaits: new AwaitsTable(connection),
    needs: new NeedTable(connection),
    lifetimes: new LifetimeTable(connection),
    mailboxes: new MailboxTable(connection),
    classes: new ClassTable(connection),
    groups: new GroupTable(connection, processes),
    checkpoints: new SqliteCheckpoints(connection, processes),
    engines: new EngineTable(connection, judge),
  }
}
