import type { Client } from '../client/client.ts'
import type { ProcessHandle } from '../process/host/process-handle.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { registeredName } from '../bundle/loader.ts'
import {
  ClosedError,
  PersistenceError,
  SerializationError,
  TaskRejected,
  UnknownProcessClass,
} from '../shared/errors.ts'
import { checkOptions, type OptionNames } from '../shared/options.ts'
import type { TaskContext, TaskSubscriber } from './contract/communicator.ts'
import { isProcessTask, processTask, type ProcessTask } from './process-tasks.ts'

/** Options of a `ProcessLauncher`. */
export interface LauncherOptions {
  /**
   * Returns the class, or the registered name of the class, that a task names in its own way;
   * undefined to leave the task to others. By default a task names a class by its registered name, or
   * as Python does: `module:Name`.
   */
  readonly loader?: ((identifier: string) => AnyProcessClass | string | undefined) | undefined
}

const OPTIONS: OptionNames<LauncherOptions> = { loader: true }

/**
 * Launches and continues processes as tasks ask for it, in a client's store:
 *
 * ```ts
 * const launcher = new ProcessLauncher(engine)
 * await communicator.addTaskSubscriber(launcher.receive)
 * ```
 *
 * A task is accepted once its process is stored. If it is delivered again, it finds the same
 * process, because it is launched under a key: `task:` with the id of the task.
 */
export class ProcessLauncher {
  readonly #client: Client
  readonly #loader: LauncherOptions['loader']

  /** Launches with this client, or engine, and never closes it. */
  constructor(client: Client, options: LauncherOptions = {}) {
    checkOptions(options, OPTIONS, 'the options of a launcher')
    this.#client = client
    this.#loader = options.loader
  }

  /**
   * Handles the tasks `launch`, `create` and `continue`. The first and the last resolve to the outputs
   * once the process has finished, or with `nowait` to the pid at once; `create` resolves to the pid.
   * The engines of the store run every process, so `continue` only waits for its end.
   *
   * @throws TaskRejected for a task that is not about processes, for a class that neither this program
   *   nor an engine has, and if the store can't be reached
   * @throws TypeError for wrong arguments
   * @throws ProcessError if the process does not finish
   */
  readonly receive: TaskSubscriber = async (message, context) => {
    if (!isProcessTask(message)) throw new TaskRejected('a launcher takes launch, create and continue')
    const task = processTask(message)
    const handle = await stored(task.task === 'continue' ? this.#find(task) : this.#launch(task, context))
    context.accept()
    return task.nowait ? handle.pid : outputsOf(handle)
  }

  async #launch(
    task: Exclude<ProcessTask, { task: 'continue' }>,
    context: TaskContext,
  ): Promise<ProcessHandle> {
    const name = await this.#nameOf(task.processClass)
    return this.#client.launch(name, task.inputs ?? {}, {
      pid: task.pid,
      key: context.id === undefined ? undefined : `task:${context.id}`,
    })
  }

  async #find({ pid }: { readonly pid: string }): Promise<ProcessHandle> {
    const handle = this.#client.handle(pid)
    await handle.refresh()
    return handle
  }

  async #nameOf(identifier: string): Promise<string> {
    if (this.#loader !== undefined) {
      const found = this.#loader(identifier)
      if (found !== undefined) return typeof found === 'string' ? found : registeredName(found)
    } else {
      const local = identifier.slice(identifier.lastIndexOf(':') + 1)
      for (const name of new Set([identifier, local]))
        if (name !== '' && (await this.#client.hasClass(name))) return name
    }
    throw new TaskRejected(`neither this program nor an engine has the class ${identifier}`)
  }
}

/** A process that can't be stored now is left to another subscriber, or to a later delivery. */
async function stored(work: Promise<ProcessHandle>): Promise<ProcessHandle> {
  try {
    return await work
  } catch (error) {
    const isLater = error instanceof ClosedError || error instanceof PersistenceError
    if ((isLater && !(error instanceof SerializationError)) || error instanceof UnknownProcessClass)
      throw new TaskRejected(`the process can't be stored now: ${error.message}`, { cause: error })
    throw error
  }
}

async function outputsOf(handle: ProcessHandle): Promise<unknown> {
  const state = await handle.wait()
  if (state?.label === 'finished') return handle.outputs.all({ raiseOnFailure: false })
  throw handle.exception() as Error
}
