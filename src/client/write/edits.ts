import type { BundleParts } from '../../bundle/bundle.ts'
import type { Codec } from '../../bundle/codec.ts'
import { parseSavedPath, setSaved, type SavedPath } from '../../bundle/saved-path.ts'
import type { Control } from '../../persistence/contract/control.ts'
import { encodeEvent, type HistoryEntry } from '../../persistence/contract/event-codec.ts'
import type { StoredProcess } from '../../persistence/contract/rows.ts'
import { referring } from '../../process/references/reference.ts'
import { parseState } from '../../process/state/saved-state.ts'
import {
  IncompatibleBundle,
  InvalidStateError,
  ProcessLost,
  SerializationError,
} from '../../shared/errors.ts'
import { isJsonObject, type JsonValue } from '../../shared/json.ts'
import type { GroupCommit } from './group-commit.ts'
import { newId } from './requests.ts'

/**
 * New values for the context and the arguments of a process, by their paths: `ctx.limit`,
 * `ctx.jobs[3].name`, `ctx["a name"]`, `args[0]`. Missing objects on the way are made, and an index
 * after the last one adds an item.
 */
export interface EditChanges {
  readonly [path: `ctx.${string}` | `ctx[${string}` | `args[${string}`]: unknown
}

/** New values for the inputs of a process, by their paths: `inputs.amount`. */
export interface InputChanges {
  readonly [path: `inputs.${string}` | `inputs[${string}`]: unknown
}

/** A value that an edit has changed. */
export interface EditedValue {
  readonly path: string
  /** The saved JSON that was there; undefined if there was nothing. */
  readonly before: JsonValue | undefined
  /** The saved JSON that is there now. */
  readonly after: JsonValue
}

/** The most characters of a value that the history keeps of an edit. */
const AUDITED = 1_000

/** Changes saved values of processes that have not ended. */
export class Edits {
  readonly #store: Control
  readonly #commits: GroupCommit
  readonly #codec: Codec
  readonly #by: string

  /** `by` is the name under which histories show the edits. */
  constructor(store: Control, commits: GroupCommit, codec: Codec, by: string) {
    this.#store = store
    this.#commits = commits
    this.#codec = codec
    this.#by = by
  }

  /** See `Client.edit`. */
  async edit(pid: string, changes: EditChanges): Promise<readonly EditedValue[]> {
    const wanted = encodeChanges(changes, ['ctx', 'args'], this.#codec, 'edit')
    for (;;) {
      const stored = await this.#store.load(pid)
      if (stored === undefined) throw new ProcessLost(pid, `there is no process ${pid} in this store`)
      if (stored.row.endedAt !== null) throw ended(stored)
      requireContext(stored)
      const bundle = stored.bundle()
      const { parts, edited } = changeProcess(bundle.parts, wanted)
      if (edited.length === 0) return []
      const outcome = await this.#commits.write({
        kind: 'edit',
        pid,
        id: newId(),
        fence: stored.fence,
        seq: stored.row.seq,
        parts,
        history: edited.map(editedEntry),
        by: this.#by,
      })
      if (outcome.status === 'done') return edited
      if (outcome.status === 'refused') throw outcome.error
      if (outcome.status === 'conflict') throw new InvalidStateError(`nothing was changed: ${outcome.reason}`)
      // Otherwise the process has changed since it was read, and is read again.
    }
  }
}

function ended({ row: { pid, state } }: StoredProcess): InvalidStateError {
  return new InvalidStateError(
    `process ${pid} is ${state}, and what has ended never changes: ` +
      'restart or resubmit it with other values (`set`), which makes a new process',
  )
}

/** @throws InvalidStateError for an actor or a call, which have neither context nor steps */
function requireContext({ row: { pid, actor, mailbox } }: StoredProcess): void {
  if (mailbox !== null)
    throw new InvalidStateError(
      `process ${pid} is an actor, which has no context: its state are its fields, and \`set\` of the actor changes them`,
    )
  if (actor !== null)
    throw new InvalidStateError(
      `process ${pid} is a call of the actor ${actor}, which has no context, and its arguments never change: abort it, and call the actor again`,
    )
}

/** A change whose path is taken apart and whose value is encoded. */
export interface WantedChange {
  readonly path: SavedPath
  readonly value: JsonValue
}

/**
 * Checks the changes of a caller, and encodes their values.
 *
 * @throws TypeError for a wrong path, or if there is no change
 * @throws SerializationError for a value that can't be saved (C10)
 */
export function encodeChanges(
  changes: object,
  roots: readonly string[],
  codec: Codec,
  where: string,
): readonly WantedChange[] {
  if (!isJsonObject(changes)) throw new TypeError(`${where}: give an object of paths and values`)
  const wanted = Object.entries(changes).map(([text, value]) => {
    const path = parseSavedPath(text, roots, where)
    if (path.keys.length === 0)
      throw new TypeError(`${where}: ${text} is all of it: name a value in it, such as ${roots[0]}.name`)
    return { path, value: codec.encode(isInput(path) ? referring(value).inputs : value, text) }
  })
  if (wanted.length === 0) throw new TypeError(`${where}: no path is given, so there is nothing to change`)
  return wanted
}

/** In inputs, a handle stands for the result of its process, as in those of a launch. */
function isInput({ root }: SavedPath): boolean {
  return root === 'inputs'
}

/** The effect of changes on saved parts. */
export interface Changed {
  /** The parts that have changed. */
  readonly parts: Readonly<Record<string, string>>
  readonly edited: readonly EditedValue[]
}

/**
 * Changes the context and the arguments in the parts of a process. A process whose inputs no engine
 * has checked has no context yet: an engine sets the values when it constructs the process.
 *
 * @throws InvalidStateError if no step of the process has arguments
 * @throws SerializationError if a path does not fit the values
 */
export function changeProcess(before: BundleParts, changes: readonly WantedChange[]): Changed {
  const { state: stateText = '{}', memory: memoryText } = before
  const memory = parsePart(memoryText ?? '{}', 'memory')
  const state = parsePart(stateText, 'state')
  const edited: EditedValue[] = []
  for (const { path, value } of changes) {
    const keys = [...(path.root === 'ctx' ? ['ctx'] : argumentKeys(stateText, path)), ...path.keys]
    const old = setSaved(path.root === 'ctx' ? memory : state, keys, value, path.text)
    if (JSON.stringify(old) !== JSON.stringify(value))
      edited.push({ path: path.text, before: old, after: value })
  }
  const isIn = (root: string): boolean => edited.some(({ path }) => path.startsWith(root))
  const parts = {
    ...(isIn('ctx') && { memory: JSON.stringify(memory) }),
    ...(isIn('args') && { state: JSON.stringify(state) }),
  }
  return { parts, edited }
}

/**
 * Changes the inputs in the parts of a process.
 *
 * @throws SerializationError if a path does not fit the values
 */
export function changeInputs(text: string, changes: readonly WantedChange[]): Changed {
  const inputs = parsePart(text, 'inputs')
  const edited = changes.map(({ path, value }) => ({
    path: path.text,
    before: setSaved(inputs, path.keys, value, path.text),
    after: value,
  }))
  return { parts: { inputs: JSON.stringify(inputs) }, edited }
}

/** The history entry of a changed value, bounded in size. */
export function editedEntry({ path, before, after }: EditedValue): HistoryEntry {
  return encodeEvent('edited', {
    path,
    before: before === undefined ? undefined : bounded(before),
    after: bounded(after),
  })
}

function bounded(value: JsonValue): string {
  const text = JSON.stringify(value)
  if (text.length <= AUDITED) return text
  return `${text.slice(0, AUDITED).toWellFormed()}… (${text.length} characters)`
}

/** Where the arguments are in a saved state. */
function argumentKeys(stateText: string, { text }: SavedPath): readonly string[] {
  const state = parseState(stateText)
  if (state.label === 'running') return ['args']
  if (state.label === 'waiting' && state.retry !== undefined) return ['retry', 'args']
  throw new InvalidStateError(
    `${text} can't be changed: the process is ${state.label}, so no step has arguments. ` +
      (state.label === 'waiting' ? 'Its next step gets what ends the wait' : 'Its first step takes none'),
  )
}

function parsePart(text: string, name: string): JsonValue {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new IncompatibleBundle(`${name}: damaged, it is not JSON`, { cause })
  }
  if (isJsonObject(value)) return value
  throw new SerializationError(name, 'it is not an object, so nothing in it can be changed')
}
