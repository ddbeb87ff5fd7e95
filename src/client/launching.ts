import type { Codec } from '../bundle/codec.ts'
import type { ClassRow, Create } from '../persistence/store.ts'
import { namespaceCheck } from '../ports/validation.ts'
import { PortValidationError } from '../shared/errors.ts'
import { newPid } from '../shared/ids.ts'
import { hosted, type Process } from '../process/process.ts'
import type { LaunchOptions } from '../process/handle.ts'

/** Who launches: nobody in particular, or the step of a process, whose claim has to hold. */
export interface Launcher {
  readonly parent: string | null
  readonly parentFence: number | null
}

export const BY_A_CALLER: Launcher = { parent: null, parentFence: null }

/**
 * The write that makes a process durable (C2). Its class has validated the inputs and filled in the defaults.
 *
 * @throws SerializationError naming the input that can't be saved (C10)
 */
export function createWrite(process: Process, options: LaunchOptions, launcher: Launcher): Create {
  const { head, parts } = hosted(process).bundle()
  return {
    kind: 'create',
    pid: process.pid,
    className: head.class,
    version: head.version,
    createdAt: process.creationTime.getTime(),
    parent: launcher.parent,
    parentFence: launcher.parentFence,
    key: options.key ?? null,
    label: options.label ?? null,
    seq: head.seq,
    state: 'created',
    step: 'run',
    status: head.status ?? null,
    parts,
    claim: null,
    history: [{ name: 'created', data: null }],
    ending: null,
  }
}

/**
 * The write for a class that is only known by its name. Its inputs are checked against the JSON Schema that engines have
 * registered; defaults and validators run at the first claim, by an engine that has the class.
 *
 * @throws PortValidationError for inputs that do not fit that schema
 */
export function createByName(
  described: ClassRow,
  inputs: Readonly<Record<string, unknown>>,
  now: number,
  options: LaunchOptions,
  launcher: Launcher,
  codec: Codec,
): Create {
  const problems = checkOfClass(described)(inputs)
  if (problems.length > 0) throw new PortValidationError(problems)
  return {
    kind: 'create',
    pid: options.pid ?? newPid(),
    className: described.name,
    version: described.version,
    createdAt: now,
    parent: launcher.parent,
    parentFence: launcher.parentFence,
    key: options.key ?? null,
    label: options.label ?? null,
    seq: 0,
    state: 'created',
    step: 'run',
    status: null,
    parts: { state: UNCHECKED, inputs: codec.stringify(inputs, 'inputs') },
    claim: null,
    history: [{ name: 'created', data: null }],
    ending: null,
  }
}

/** The `state` part of a process whose inputs nobody has validated yet. */
export const UNCHECKED = JSON.stringify({ label: 'created', unchecked: true })

const checks = new Map<string, { readonly of: string; readonly check: ReturnType<typeof namespaceCheck> }>()

/** The check of a class's inputs, made anew only when what is registered has changed. */
function checkOfClass({ name, inputs }: ClassRow): ReturnType<typeof namespaceCheck> {
  const known = checks.get(name)
  if (known?.of === inputs) return known.check
  const check = namespaceCheck(JSON.parse(inputs) as object, 'inputs')
  checks.set(name, { of: inputs, check })
  return check
}
