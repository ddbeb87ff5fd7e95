import { recordPart } from '../bundle/bundle.ts'
import { encodeEvent } from '../persistence/contract/event-codec.ts'
import type { StepRecord } from '../persistence/contract/writes.ts'
import type { RecordEntry } from '../process/host/host.ts'

/** What a step record stores, besides the fields that identify it. */
export type RecordContent = Omit<StepRecord, 'kind' | 'pid' | 'fence' | 'count' | 'seq'>

export function contentOf({ name, text, history, consumes }: RecordEntry): RecordContent {
  return {
    parts: text === undefined ? {} : { [recordPart(name)]: text },
    consumes: consumes ?? null,
    history: history === undefined ? [] : [encodeEvent(history.name, history.data)],
  }
}
