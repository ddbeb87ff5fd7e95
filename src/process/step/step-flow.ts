import { nextTick } from 'node:process'
import { SpecError } from '../../shared/errors.ts'
import { atPoint, currentPoint, enterPoint, type FlowPoint, type Turn } from './current-process.ts'
import type { RunState } from './run-state.ts'
import { queueMicrotask, setImmediate } from '../../shared/timers.ts'

/** The uses of a name in one run of a step. */
interface Use {
  count: number
  /** The turn of the last use. */
  turn: Turn
  pending: number
}

/** A step, or a branch of it. */
interface Scope {
  pending: number
  /** Whether two of its operations have been in progress at the same time. */
  parallel: boolean
  last: Turn | undefined
}

/** An operation that was asked for. */
export interface Asked {
  readonly turn: Turn
  /** Which use of its name this is, counted from 1. */
  readonly count: number
  /** Resolves when the result may be handed out. The operation is then no longer pending. */
  handOut(): Promise<void> | undefined
  /** The operation has no result to hand out. */
  drop(): void
}

/**
 * Tracks the order of the operations in one run of a step, so that names are counted only where
 * their order is certain (C6).
 *
 * 1. Requests of one turn have a fixed order:
 *    `Promise.all(items.map((item) => this.effect('x', …)))`.
 * 2. As long as no two operations of a step have overlapped, the step counts as one sequence.
 *    (Branches that never overlap look like one sequence.)
 * 3. Once two operations have overlapped, a turn certainly comes after another turn if it continues
 *    from the result of an operation of that turn, or if its asynchronous context passed through
 *    that turn. Results are therefore handed out one by one, each in a turn of the event loop of
 *    its own.
 * 4. If a name is used again, but not certainly after its last use, pending or not, it is refused:
 *    another branch may use it, and in another run the two could get each other's records.
 */
export class StepFlow {
  readonly #run: RunState
  readonly #scopes = new Map<string, Scope>()
  readonly #uses = new Map<string, Use>()
  readonly #branches = new Set<string>()
  /** The turn of the operation whose result is just being handed out. */
  #goesOn: Turn | undefined
  /** Why this run of the step takes no more named actions. */
  refusal: SpecError | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  /** The branch of the running code; empty outside of a branch. */
  get branch(): string {
    return this.#point?.branch ?? ''
  }

  has(key: string): boolean {
    return this.#uses.has(key)
  }

  /**
   * Registers an operation. `key` is its kind and full name; undefined for an operation without a
   * name.
   *
   * @throws SpecError if its name may be that of another branch
   */
  ask(key: string | undefined): Asked {
    if (this.refusal !== undefined) throw this.refusal
    const { branch } = this
    const scope = this.#scope(branch)
    if (scope.pending > 0) scope.parallel = true
    const turn = this.#turn(branch, scope)
    const use = key === undefined ? undefined : this.#use(key, turn, scope)
    scope.pending++
    let pending = true
    const settled = (): void => {
      if (!pending) return
      pending = false
      scope.pending--
      if (use !== undefined) use.pending--
    }
    return {
      turn,
      count: use?.count ?? 1,
      handOut: () => this.#handOut(scope, turn, settled),
      drop: settled,
    }
  }

  /**
   * Registers a branch. A branch is declared to run at the same time as other things, so it makes
   * no names uncertain.
   */
  askBranch(): Asked {
    if (this.refusal !== undefined) throw this.refusal
    const { branch } = this
    const scope = this.#scope(branch)
    const turn = this.#turn(branch, scope)
    const drop = (): void => {}
    return { turn, count: 1, handOut: () => this.#handOut(scope, turn, drop), drop }
  }

  /**
   * Runs a part of the step as a branch of it.
   *
   * @throws SpecError if a branch of that name is in progress
   */
  async inBranch<T>(name: string, run: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    const outer = this.branch
    const branch = outer === '' ? name : `${outer}/${name}`
    if (this.#branches.has(branch)) {
      throw this.#refuse(
        `a branch '${branch}' is in progress already: give each of the two a name of its own, such as \`this.branch(\`${name} \${item.id}\`, …)\``,
      )
    }
    const scope = this.#scope(outer)
    const turn = this.#turn(outer, scope)
    this.#branches.add(branch)
    try {
      return await atPoint(this.#run, { flow: this, branch, turn }, run)
    } finally {
      this.#branches.delete(branch)
    }
  }

  // ---------- names ----------

  #use(key: string, turn: Turn, scope: Scope): Use {
    const use = this.#uses.get(key)
    if (use === undefined) {
      const first = { count: 1, turn, pending: 1 }
      this.#uses.set(key, first)
      return first
    }
    if (use.turn !== turn && scope.parallel && !isAfter(turn, use.turn)) {
      const [kind, name] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)]
      const why =
        use.pending > 0
          ? 'while it is still in progress'
          : 'in a step that does several things at the same time, and does not certainly come after the first'
      throw this.#refuse(`the ${kind} '${name}' is asked for again ${why}. ${ADVICE}`)
    }
    use.count++
    use.turn = turn
    use.pending++
    return use
  }

  #refuse(reason: string): SpecError {
    const { definition, state } = this.#run
    const step = state.label === 'running' ? `.${state.step}` : ''
    return (this.refusal = new SpecError(`in the step ${definition.name}${step} ${reason}`))
  }

  // ---------- turns ----------

  get #point(): FlowPoint | undefined {
    const point = currentPoint(this.#run)
    return point?.flow === this ? point : undefined
  }

  #scope(branch: string): Scope {
    let scope = this.#scopes.get(branch)
    if (scope === undefined)
      this.#scopes.set(branch, (scope = { pending: 0, parallel: false, last: undefined }))
    return scope
  }

  /**
   * The running turn. Two turns within one turn of the event loop differ by their asynchronous
   * context.
   */
  #turn(branch: string, scope: Scope): Turn {
    const point = this.#point
    const present = point === undefined ? scope.last : point.turn
    if (present?.runs === true) return (scope.last = present)
    const after: Turn[] = []
    for (const turn of [this.#goesOn, point?.turn, scope.parallel ? undefined : scope.last])
      if (turn !== undefined && !after.includes(turn)) after.push(turn)
    const turn: Turn = { flow: this, after, runs: true }
    queueMicrotask(() => {
      turn.runs = false
    })
    scope.last = turn
    enterPoint(this.#run, { flow: this, branch, turn })
    return turn
  }

  #handOut(scope: Scope, turn: Turn, settled: () => void): Promise<void> | undefined {
    if (!scope.parallel) {
      settled()
      return undefined
    }
    return new Promise((resolve) => {
      setImmediate(() => {
        settled()
        this.#goesOn = turn
        resolve()
        // Runs after all code that continues from this result without waiting for anything else.
        queueMicrotask(() => {
          nextTick(() => {
            if (this.#goesOn === turn) this.#goesOn = undefined
          })
        })
      })
    })
  }
}

const ADVICE =
  "If two branches of the step use the name, tell them apart: `this.branch('…', () => …)` scopes the names of all that it calls, or give each its own name. If it is one loop, await what it has begun before, or scope the loop's body"

function isAfter(turn: Turn, earlier: Turn): boolean {
  const seen = new Set<Turn>()
  const left = [...turn.after]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next === earlier) return true
    if (seen.has(next)) continue
    seen.add(next)
    left.push(...next.after)
  }
  return false
}
