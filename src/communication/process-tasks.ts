import { isJsonObject } from '../shared/json.ts'
import { shown } from '../shared/options.ts'
import { withoutUuids } from './contract/message-value.ts'

/* The tasks about processes, as plumpy's controllers send them: `{ task, args }`. */

export type ProcessTask =
  | {
      readonly task: 'launch' | 'create'
      readonly processClass: string
      readonly inputs: Readonly<Record<string, unknown>> | undefined
      readonly pid: string | undefined
      /** Whether the answer is the pid, and not the outputs. Always true for `create`. */
      readonly nowait: boolean
    }
  | { readonly task: 'continue'; readonly pid: string; readonly nowait: boolean }

export interface LaunchArgs {
  readonly processClass: string
  readonly inputs: Readonly<Record<string, unknown>> | undefined
  readonly pid: string | undefined
  readonly persist: boolean
}

/** The message of a task that launches or creates a process. */
export function launchTask(
  task: 'launch' | 'create',
  { processClass, inputs, pid, persist }: LaunchArgs,
  nowait: boolean,
): unknown {
  return {
    task,
    args: {
      process_class: processClass,
      init_args: [],
      init_kwargs: { ...(inputs !== undefined && { inputs }), ...(pid !== undefined && { pid }) },
      persist,
      ...(task === 'launch' && { nowait }),
    },
  }
}

/** The message of a task that continues a process. */
export function continueTask(pid: unknown, tag: string | null, nowait: boolean): unknown {
  return { task: 'continue', args: { pid, tag, nowait } }
}

/** Whether a message looks like a task about processes. Others are for other subscribers. */
export function isProcessTask(
  message: unknown,
): message is { readonly task: string; readonly args: unknown } {
  return (
    isJsonObject(message) &&
    (message['task'] === 'launch' || message['task'] === 'create' || message['task'] === 'continue')
  )
}

/**
 * Reads the message of a task about processes.
 *
 * @throws TypeError for arguments that are missing, wrong or not supported
 */
export function processTask(message: { readonly task: string; readonly args: unknown }): ProcessTask {
  const { task } = message
  const args: unknown = message.args ?? {}
  if (!isJsonObject(args)) throw wrong(task, 'args', 'an object', args)
  const nowait = args['nowait'] === true
  if (task === 'continue') {
    if (args['tag'] != null)
      throw new TypeError(
        `continue: a process continues where it is, and not from the checkpoint ${shown(args['tag'])}; restart it from there`,
      )
    return { task, pid: pidOf(task, args['pid']), nowait }
  }
  const processClass: unknown = args['process_class']
  if (typeof processClass !== 'string' || processClass === '')
    throw wrong(task, 'process_class', 'the name of a class', processClass)
  const kwargs: unknown = args['init_kwargs'] ?? {}
  const positional: unknown = args['init_args'] ?? []
  if (!isJsonObject(kwargs)) throw wrong(task, 'init_kwargs', 'an object', kwargs)
  if (!Array.isArray(positional)) throw wrong(task, 'init_args', 'a list', positional)
  const { inputs, pid, ...others } = { ...kwargs }
  const [first, second, ...more] = positional as readonly unknown[]
  const unknown = Object.keys(others).filter((name) => others[name] !== null)
  if (more.some((one) => one !== null) || unknown.length > 0)
    throw new TypeError(
      `${task}: a process takes its inputs and a pid, not also ${unknown.length > 0 ? unknown.join(', ') : 'more arguments'}`,
    )
  const given: unknown = inputs ?? first ?? undefined
  if (given !== undefined && !isJsonObject(given)) throw wrong(task, 'inputs', 'an object', given)
  const named = pid ?? second ?? undefined
  return {
    task: task as 'launch' | 'create',
    processClass,
    inputs: withoutUuids(given) as Readonly<Record<string, unknown>> | undefined,
    pid: named === undefined ? undefined : pidOf(task, named),
    nowait: task === 'create' || nowait,
  }
}

function pidOf(task: string, value: unknown): string {
  const pid = withoutUuids(value)
  if (typeof pid === 'string' && pid !== '') return pid
  if (typeof pid === 'number' || typeof pid === 'bigint') return String(pid)
  throw wrong(task, 'pid', 'a pid', value)
}

function wrong(task: string, name: string, kind: string, value: unknown): TypeError {
  return new TypeError(`${task}: ${name} is ${kind}, not ${shown(value)}`)
}
