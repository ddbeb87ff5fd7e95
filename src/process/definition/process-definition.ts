import { memberName } from '../../spec/method-name.ts'
import { specOf, type AnySpec } from '../../spec/process-spec.ts'
import type { Outline } from '../../spec/outline.ts'
import type { RetryPolicy } from '../../spec/retry-policy.ts'
import { WorkChainSpec } from '../../spec/work-chain-spec.ts'
import { SpecError, TransitionError } from '../../shared/errors.ts'
import { suggestion } from '../../shared/nearest.ts'
import { textProblem } from '../../shared/text.ts'
import type { StepRef } from '../state/commands.ts'
import { hookNames, type Hooks } from './hooks.ts'
import { prunePolicyOf, type PrunePolicy } from '../../spec/prune-policy.ts'
import { concrete } from '../host/construction.ts'
import {
  HOSTED,
  type AnyProcessClass,
  type ProcessClass,
  type ProcessObject,
} from '../host/process-object.ts'
import { errorText, type Running } from '../state/state-data.ts'

type Method = (this: ProcessObject, ...args: unknown[]) => unknown

/** What a class declares for one of its steps. */
export interface StepDefinition {
  readonly method: Method
  /** The retries of the step, declared for it alone or for all steps. */
  readonly retry: RetryPolicy | undefined
  /** Whether the retries were declared for this step alone. */
  readonly ownRetry: boolean
  /** How many milliseconds one attempt may take. */
  readonly timeout: number | undefined
}

/** What is the same for all processes of a class, looked up once. */
export class ProcessDefinition {
  readonly processClass: ProcessClass
  readonly name: string
  readonly version: number
  readonly spec: AnySpec
  /** The names of the instance fields that are saved, of the class and its base classes. */
  readonly persisted: readonly string[]
  /** Whether the class saves more than `ctx` and its persisted members. */
  readonly savesInstance: boolean
  /** Whether the class answers RPCs in its own way. */
  readonly answersMessages: boolean
  /** Whether the class hears broadcasts in its own way. */
  readonly hearsBroadcasts: boolean
  /** The hooks that the class overrides; the others need not be called. */
  readonly hooks: Partial<Hooks>
  /** Whether the class overrides any hook. */
  readonly hooked: boolean
  /** The outline of a work chain. */
  readonly outline: Outline | undefined
  /** The deadline of a process, in milliseconds after its creation. */
  readonly deadlineAfter: number | undefined
  /** When an engine deletes ended processes of the class; undefined if the class declares nothing. */
  readonly prune: PrunePolicy | undefined
  /** The state that follows `created`. */
  readonly first: Running
  /** The prototype of `Process`, which all process classes extend. */
  readonly #base: object
  readonly #steps = new Map<string, StepDefinition>()

  constructor(processClass: ProcessClass) {
    const base = baseOf(processClass)
    this.processClass = processClass
    this.#base = base
    this.name = processClass.processName || 'a class without a name'
    this.version = processClass.version
    this.spec = specOf(processClass)
    this.deadlineAfter = this.spec.deadlineAfter
    this.prune = prunePolicyOf(this.name, processClass.prune)
    this.persisted = persistedOf(processClass)
    this.savesInstance = overrides(processClass, base, 'saveInstanceState')
    this.answersMessages = overrides(processClass, base, 'messageReceive')
    this.hearsBroadcasts = overrides(processClass, base, 'broadcastReceive')
    this.hooks = {}
    let hooked = false
    for (const name of hookNames) {
      const hook: unknown = Reflect.get(processClass.prototype, name)
      if (hook !== Reflect.get(base, name)) {
        Object.assign(this.hooks, { [name]: hook })
        hooked = true
      }
    }
    this.hooked = hooked
    this.outline = this.spec instanceof WorkChainSpec ? this.#outlineOf(this.spec) : undefined
    this.first = this.outline === undefined ? RUN : firstOf(this.outline)
    this.#checkNames()
  }

  #outlineOf(spec: WorkChainSpec): Outline {
    const outline = spec.getOutline()
    if (outline === undefined)
      throw new SpecError(
        `${this.name}.define declares no outline: a work chain needs one, \`spec.outline(…)\``,
      )
    if (overrides(this.processClass, this.#base, 'run') && !outline.steps.includes('run'))
      throw new SpecError(
        `${this.name} has an outline, and a method run that is no step of it: nothing would call that`,
      )
    return outline
  }

  /**
   * Checks at the first use of the class that the steps which the spec names exist.
   */
  #checkNames(): void {
    const { steps = [], predicates = [] } = this.outline ?? {}
    for (const name of [...steps, ...predicates, ...this.spec.retriedSteps]) {
      try {
        this.step(name)
      } catch (error) {
        throw new SpecError(`${this.name}.define names ${name}, which is no step: ${errorText(error)}`, {
          cause: error,
        })
      }
    }
  }

  /**
   * The step of a name.
   *
   * @throws TransitionError when no class between this one and `Process` has such a method
   */
  step(name: string): StepDefinition {
    let step = this.#steps.get(name)
    if (step === undefined) {
      const { spec } = this
      const retry = spec.retryOf(name)
      // No step has an empty name, so the empty name gives what is declared for all steps.
      const ownRetry = retry !== spec.retryOf('')
      step = { method: this.#find(name), retry, ownRetry, timeout: spec.timeoutOf(name) }
      this.#steps.set(name, step)
    }
    return step
  }

  /**
   * The name of the step that a command names.
   *
   * @throws TransitionError when the name does not lead back to the function that was given
   */
  stepName({ name, method }: StepRef): string {
    if (method === undefined || this.#steps.get(name)?.method === method) return name
    // A decorator may have given the function another name, or none.
    const found = memberName(this.processClass, method)
    if (found !== undefined && this.step(found).method === method) return found
    const given = name === '' ? 'A function without a name' : `The function ${name}`
    throw new TransitionError(
      `${given} that was given as the next step is not a method of ${this.name}: after a restart another would run. ` +
        `Make it a method of the class and give \`this.${name === '' ? 'check' : name}\`.`,
    )
  }

  /** @throws SpecError for a signal that the class does not declare */
  requireSignal(signal: string): void {
    if (this.spec.hasSignal(signal)) return
    const names = [...this.spec.signals.keys()]
    const rest = names.length === 0 ? '; it declares none, see spec.signal' : suggestion(signal, names)
    throw new SpecError(`${this.name} declares no signal ${JSON.stringify(signal)}${rest}`)
  }

  #find(name: string): Method {
    if (!name.isWellFormed()) throw new TransitionError(`The name of a step ${textProblem(name)}`)
    if (name === 'run') return Reflect.get(this.processClass.prototype, name)
    let at: unknown = this.processClass.prototype
    for (; typeof at === 'object' && at !== null && at !== this.#base; at = Object.getPrototypeOf(at)) {
      const found: unknown = Object.getOwnPropertyDescriptor(at, name)?.value
      if (typeof found === 'function' && name !== 'constructor') return found as Method
    }
    throw new TransitionError(
      `${this.name} has no method ${name} that could be the next step. A step is a method of the class: ` +
        `functions in fields or variables and private methods can't be found again after a restart. ` +
        `If it was renamed, upgrade saved processes with \`static upgrade\`.`,
    )
  }
}

const RUN: Running = { label: 'running', step: 'run', args: [] }

/**
 * The first step of an outline. If that depends on a predicate, running the outline finds it.
 */
function firstOf(outline: Outline): Running {
  const first = outline.parts[0]?.kind === 'step' ? outline.next(null, () => false) : undefined
  return first !== undefined && 'step' in first
    ? { label: 'running', step: first.step, args: [], at: first.at }
    : { ...RUN, onward: true }
}

const definitions = new WeakMap<ProcessClass, ProcessDefinition>()

/** The definition of a class, made at its first use. */
export function definitionOf(processClass: ProcessClass): ProcessDefinition {
  let definition = definitions.get(processClass)
  if (definition === undefined) {
    definition = new ProcessDefinition(processClass)
    definitions.set(processClass, definition)
  }
  return definition
}

/**
 * @internal Looks at a class as its first process would, so that an error in it is reported before.
 *
 * @throws SpecError
 */
export function checkClass(processClass: AnyProcessClass): void {
  definitionOf(concrete(processClass))
}

/** The prototype that declares what every process has: that of `Process`. */
function baseOf({ prototype }: ProcessClass): object {
  let at = prototype
  while (!Object.hasOwn(at, HOSTED)) at = Object.getPrototypeOf(at) as object
  return at
}

function persistedOf(processClass: ProcessClass): readonly string[] {
  const names = new Set<string>()
  for (let at: unknown = processClass; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    if (!Object.hasOwn(at, 'persisted')) continue
    for (const name of Reflect.get(at, 'persisted') as readonly string[]) {
      if (name in processClass.prototype) {
        throw new SpecError(
          `${processClass.name}.persisted names ${name}, which is not an own field but belongs to the class: only own fields are saved`,
        )
      }
      names.add(name)
    }
  }
  return [...names]
}

function overrides(processClass: ProcessClass, base: object, name: string): boolean {
  return Reflect.get(processClass.prototype, name) !== Reflect.get(base, name)
}
