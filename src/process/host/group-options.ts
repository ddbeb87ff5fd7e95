import { checkOptions, isFlag, shown, type OptionNames } from '../../shared/options.ts'
import { checkName } from '../../shared/text.ts'
import type { LaunchInputsOf } from '../../spec/typing.ts'
import { checkLaunch, LAUNCH_OPTIONS } from './launch-arguments.ts'
import type { LaunchOptions } from './launch-options.ts'
import { isHandle } from '../state/awaits.ts'
import type { Ref } from './process-handle.ts'
import type { Refable } from './references.ts'

/** Several inputs, for several processes of one class. They are read as the processes are launched. */
export type InputsSource<I> = Iterable<I> | AsyncIterable<I>

/** Options of a launch of several processes. The options of a single launch apply to each of them. */
export interface GroupLaunchOptions extends Omit<LaunchOptions, 'pid' | 'key'> {
  /**
   * The name of the group, by which every program finds it. A launch under the name of an existing
   * group, with the same class and inputs, launches the members that are missing. Default: a new
   * name.
   */
  readonly group?: string | undefined
  /**
   * Whether results come in the order of the inputs rather than as the processes end. Default true.
   */
  readonly ordered?: boolean | undefined
  /**
   * How many of the processes may be unfinished at a time. The launch waits while there are that
   * many. 0 means no limit. Default 0.
   */
  readonly maxOutstanding?: number | undefined
  /**
   * How many of the inputs one process takes. The items of such a chunk run one after the other in
   * memory, within the step of their process. A chunk whose item fails fails as a whole. Default 1.
   */
  readonly chunkSize?: number | undefined
}

/** Options of `map`. */
export interface MapOptions extends GroupLaunchOptions {
  /**
   * What to do with columns of different lengths: `'equal'` refuses them, `'shortest'` ends with the
   * shortest. Default `'equal'`.
   */
  readonly lengths?: 'equal' | 'shortest' | undefined
}

/** Options of `imap`. */
export interface ImapOptions extends Omit<GroupLaunchOptions, 'maxOutstanding' | 'chunkSize'> {
  /**
   * How many processes may be launched whose results have not been taken. 0 means no limit.
   * Default: the `concurrency` of the engine, and 100 for a client.
   */
  readonly maxOutstanding?: number | undefined
}

const columnBrand: unique symbol = Symbol('damson.column')

/** Values of an input, one for each process. Made by `each`. */
export class Each<T> {
  /** The values, or a reference to the process whose result they are. */
  readonly values: Iterable<T> | Ref<readonly T[]>
  readonly [columnBrand] = true

  /** @internal Use `each`. */
  constructor(values: Iterable<T> | Ref<readonly T[]>) {
    this.values = values
  }
}

/**
 * Marks an input of `map` as a column: each process gets one of its values.
 *
 * ```ts
 * await client.map(Add, { x: each([1, 2, 3]), y: 10 })
 * ```
 *
 * @throws TypeError for text, and for what can't be iterated
 */
export function each<T>(values: Iterable<T> & object): Each<T>
/**
 * As above, with a list that a process returns, or emits as an output. The number of processes is
 * known only once the list is. So `map` launches nothing until that process has ended. If that
 * process fails, `map` rejects with its error.
 *
 * ```ts
 * const files = await client.launch(ListFiles)
 * const group = await client.map(Convert, { file: each(files) })
 * ```
 */
export function each<T>(list: Ref<readonly T[]>): Each<T>
export function each<T>(values: (Iterable<T> & object) | Ref<readonly T[]>): Each<T> {
  const given: unknown = values
  if (isReferenceToValue(given)) return new Each(values)
  if (typeof given === 'string')
    throw new TypeError(
      'each: a string is one value, not a column; for its characters, write each([...text])',
    )
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given))
    throw new TypeError(
      `each takes an array or another iterable, or a handle whose result is a list, not ${shown(given)}`,
    )
  return new Each(values)
}

/** Whether something is a handle, or a reference to an output. */
function isReferenceToValue(given: unknown): boolean {
  return (
    isHandle(given) || (typeof given === 'object' && given !== null && 'handle' in given && 'key' in given)
  )
}

/**
 * The inputs of `map`: a column or one value for each input. A handle or a reference may stand for
 * each value, also in a column.
 */
export type Columns<C> = {
  readonly [K in keyof LaunchInputsOf<C>]: Refable<LaunchInputsOf<C>[K]> | Each<Refable<LaunchInputsOf<C>[K]>>
}

/** The results of a lazy launch, as they arrive. */
export interface ResultStream<R> extends AsyncIterableIterator<R> {
  /** Reads no more inputs. The results of launched processes still arrive. */
  cancel(): void
}

const { pid: _, key: __, ...OF_MEMBERS } = LAUNCH_OPTIONS
const OPTIONS: OptionNames<GroupLaunchOptions> = {
  ...OF_MEMBERS,
  group: true,
  ordered: isFlag,
  maxOutstanding: isLimit,
  chunkSize: isChunkSize,
}

/** The options of a group launch, apart from those of its members. */
export type GroupSettings = Pick<GroupLaunchOptions, 'group' | 'ordered' | 'maxOutstanding' | 'chunkSize'>

/**
 * Checks the arguments of a group launch, and separates its options. `where` names the call.
 *
 * @throws as `checkLaunch`
 */
export function checkGroupLaunch(
  where: string,
  processClass: unknown,
  options: GroupLaunchOptions,
): { readonly own: GroupSettings; readonly ofMembers: LaunchOptions } {
  for (const name of ['pid', 'key']) {
    if (isObject(options) && name in options)
      throw new TypeError(`${where}: ${name} is of one process; a group is found by its name, { group: '…' }`)
  }
  checkOptions(options, OPTIONS, where)
  const { group, ordered, maxOutstanding, chunkSize, ...ofMembers } = options
  if (group !== undefined) checkName(`${where}: the name of the group`, group)
  checkLaunch(processClass, ofMembers, where)
  return { own: { group, ordered, maxOutstanding, chunkSize }, ofMembers }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isChunkSize(what: string, value: unknown): void {
  if (typeof value !== 'number')
    throw new TypeError(`${what} takes a whole number from 1, not ${shown(value)}`)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${what} is ${value}: give a whole number from 1`)
}

function isLimit(what: string, value: unknown): void {
  if (typeof value !== 'number')
    throw new TypeError(`${what} takes a whole number, 0 for no limit, not ${shown(value)}`)
  if (!Number.isInteger(value) || value < 0)
    throw new RangeError(`${what} is ${value}: give a whole number, 0 for no limit`)
}
