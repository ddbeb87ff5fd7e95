import { outputPart, portOf, recordPart } from '../../bundle/bundle.ts'
import { SerializationError } from '../../shared/errors.ts'
import { LONGEST_NAME, lengthProblem, textProblem } from '../../shared/text.ts'
import type { Create, Parts, Write } from '../contract/writes.ts'

/** The largest size of a part, in bytes of its text. SQLite itself allows a billion. */
const LARGEST_PART = 64 * 2 ** 20

/** The part with what a process keeps between its steps, which is dropped after success. */
export const CHECKPOINT_PART = 'memory'
/** The prefix of the parts of a step's record, which is dropped when the step ends. */
export const RECORD_PREFIX = recordPart('')
/** The prefix of the parts that hold outputs. */
export const OUTPUT_PREFIX = outputPart('')

/** Whether a part is kept after success; the checkpoint is not. */
export function isKeptAfterSuccess(name: string): boolean {
  return name !== CHECKPOINT_PART && !name.startsWith(RECORD_PREFIX)
}

/** Whether a new process keeps this part in addition to `state`. */
export function isKept(name: string, { ending }: Create): boolean {
  return name !== 'state' && (ending?.dropCheckpoint !== true || isKeptAfterSuccess(name))
}

/** The longest name of a part, in bytes of its UTF-8: a name of the user with what is added to it. */
const LONGEST_PART_NAME = LONGEST_NAME + 64

/**
 * The reason why a write can't be stored, if there is one: a part is too large, a new name is too long, or a
 * name is not well-formed text and would be stored as another name.
 */
export function unstorable(write: Write): SerializationError | undefined {
  return malformed(write) ?? tooLong(write) ?? tooLarge(write)
}

/** What exists may have longer names in a file of an older release. */
function tooLong(write: Write): SerializationError | undefined {
  switch (write.kind) {
    case 'create': {
      const { pid, key, label, worker, group } = write
      return tooLongOf({ pid, key, label, worker, group: group?.name }) ?? tooLongPart(write.parts)
    }
    case 'advance':
    case 'edit':
      return tooLongPart(write.parts)
    case 'record':
      return tooLongOf({ tag: write.checkpoint?.tag }) ?? tooLongPart(write.parts)
    case 'complete':
      return tooLongOf({ group: write.name })
    case 'calls':
      return first(write.calls, tooLong)
    default:
      return undefined
  }
}

function tooLongOf(
  texts: Readonly<Record<string, string | null | undefined>>,
): SerializationError | undefined {
  for (const name in texts) {
    const problem = lengthProblem(texts[name] ?? '')
    if (problem !== undefined) return new SerializationError(name, problem)
  }
  return undefined
}

function tooLongPart(parts: Parts): SerializationError | undefined {
  for (const name in parts) {
    const problem = lengthProblem(name, LONGEST_PART_NAME)
    if (problem !== undefined) return new SerializationError('the name of a part', problem)
  }
  return undefined
}

function malformed(write: Write): SerializationError | undefined {
  const { pid } = write
  if (!pid.isWellFormed()) return malformedText('pid', pid)
  switch (write.kind) {
    case 'create': {
      const { className, key, label, group } = write
      return (
        malformedOf({ className, key, label, step: write.step, status: write.status, group: group?.name }) ??
        malformedPart(write.parts)
      )
    }
    case 'advance': {
      const { step, status } = write
      if (!isWellFormed(step) || !isWellFormed(status)) return malformedOf({ step, status })
      return malformedPart(write.parts)
    }
    case 'edit':
      return malformedPart(write.parts)
    case 'calls':
      return first(write.calls, malformed)
    case 'record':
      return malformedOf({ tag: write.checkpoint?.tag, status: write.status }) ?? malformedPart(write.parts)
    case 'signal':
      return malformedOf({ signal: write.name })
    case 'complete':
      return malformedOf({ group: write.name })
    default:
      return undefined
  }
}

function first<T>(
  all: readonly T[],
  problemOf: (one: T) => SerializationError | undefined,
): SerializationError | undefined {
  for (const one of all) {
    const problem = problemOf(one)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isWellFormed(text: string | null): boolean {
  return text === null || text.isWellFormed()
}

function malformedOf(
  texts: Readonly<Record<string, string | null | undefined>>,
): SerializationError | undefined {
  for (const name in texts) {
    const text = texts[name]
    if (text != null && !text.isWellFormed()) return malformedText(name, text)
  }
  return undefined
}

function malformedPart(parts: Parts): SerializationError | undefined {
  for (const name in parts) if (!name.isWellFormed()) return malformedText('the name of a part', name)
  return undefined
}

function malformedText(path: string, text: string): SerializationError {
  return new SerializationError(path, `${textProblem(text)}`)
}

function tooLarge(write: Write): SerializationError | undefined {
  switch (write.kind) {
    case 'create':
    case 'advance':
    case 'edit':
      return tooLargePart(write.parts)
    case 'record':
      return (
        tooLargePart(write.parts) ??
        (write.checkpoint && tooLargeText(`checkpoint ${write.checkpoint.tag}`, write.checkpoint.text))
      )
    case 'calls':
      return first([write.parts, ...write.calls.map((call) => call.parts)], tooLargePart)
    case 'resume':
    case 'signal':
      return tooLargeText('value', write.value)
    case 'request':
    case 'release':
    case 'park':
    case 'enforce':
    case 'event':
    case 'prune':
    case 'complete':
    case 'retain':
    case 'unretain':
    case 'purge':
    case 'drop':
      break
  }
  return undefined
}

function tooLargePart(parts: Parts): SerializationError | undefined {
  for (const name in parts) {
    const problem = tooLargeText(name, parts[name] as string)
    if (problem !== undefined) return problem
  }
  return undefined
}

function tooLargeText(name: string, text: string): SerializationError | undefined {
  // A character takes at most three bytes, so a short text need not be measured.
  if (text.length * 3 <= LARGEST_PART) return undefined
  const size = byteLength(text)
  if (size <= LARGEST_PART) return undefined
  const port = portOf(name)
  const path = port === undefined ? name : `outputs.${port}`
  return new SerializationError(
    path,
    `takes ${mebibytes(size)} MiB as JSON, and the store takes ${mebibytes(LARGEST_PART)} MiB at most: ` +
      'keep large data in a file and save its path',
  )
}

function byteLength(text: string): number {
  return text.length > LARGEST_PART ? text.length : new TextEncoder().encode(text).length
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}
