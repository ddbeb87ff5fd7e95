import { Bundle } from '../bundle/bundle.ts'
import type { ClassRegistry } from '../bundle/loader.ts'
import { decodeMemory } from '../bundle/memory-part.ts'
import type { ProcessRow } from '../persistence/contract/rows.ts'
import type { ClaimedProcess } from '../persistence/contract/store.ts'
import type { AnyProcessClass, Hosted } from '../process/host/process-object.ts'
import type { Host } from '../process/host/host.ts'
import { construct, recreate } from '../process/host/construction.ts'
import { CREATED_STATE, RESUBMITTED_STATE, UNCHECKED_STATE } from '../process/state/saved-state.ts'
import type { Logger } from '../shared/logger.ts'
import { mergeOwn } from '../shared/own.ts'
import type { RetryOptions } from '../spec/retry-policy.ts'
import { specOf } from '../spec/process-spec.ts'

export interface RevivingContext {
  readonly host: Host
  readonly logger: Logger
  readonly classes: ClassRegistry<AnyProcessClass>
}

/**
 * Makes the process object of a claimed row. If it was launched by name or resubmitted, its inputs
 * are not checked yet, and it is constructed from them. `gathered` are the inputs with the values
 * of other processes, if the inputs have references.
 *
 * @throws PortValidationError for unchecked inputs that do not fit
 * @throws IncompatibleBundle if the process can't be loaded
 */
export function revived(
  claimed: Pick<ClaimedProcess, 'row' | 'bundle'>,
  { host, logger, classes }: RevivingContext,
  gathered?: Readonly<Record<string, unknown>>,
): Hosted {
  const { row } = claimed
  const bundle = claimed.bundle()
  const { state, inputs = '{}', launch, memory } = bundle.parts
  const options = { host, logger, loader: classes }
  if (state !== UNCHECKED_STATE && state !== RESUBMITTED_STATE) return recreate(bundle, options)
  const given =
    gathered !== undefined
      ? gathered
      : state === UNCHECKED_STATE
        ? (host.codec.parse(inputs, 'inputs') as Readonly<Record<string, unknown>>)
        : recreate(Bundle.fromParts(bundle.head, { ...bundle.parts, state: CREATED_STATE }), options).process
            .rawInputs
  const retry =
    launch === undefined
      ? undefined
      : (host.codec.parse(launch, 'launch') as { readonly retry?: RetryOptions }).retry
  const constructed = construct(classes.load(row.className), given, {
    host,
    logger,
    pid: row.pid,
    created: new Date(row.createdAt),
    retry,
    referring: gathered && { inputs, launch: launch ?? '{}' },
  })
  // Values that were edited before there was a context replace those of the constructor.
  mergeOwn(constructed.process.ctx, decodeMemory(memory, host.codec).ctx)
  return constructed
}

/**
 * The deadline of a process: that of its row or, since a launch by name does not know the class,
 * that of its class.
 */
export function deadlineOf(
  row: Pick<ProcessRow, 'deadline' | 'className' | 'createdAt'>,
  classes: ClassRegistry<AnyProcessClass>,
): number | undefined {
  if (row.deadline !== null) return row.deadline
  const { deadlineAfter } = specOf(classes.load(row.className))
  return deadlineAfter === undefined ? undefined : row.createdAt + deadlineAfter
}
