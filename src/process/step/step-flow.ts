import { nextTick } from 'node:process'
import { SpecError } from '../../shared/errors.ts'
import { atPlace, currentPlace, enterPlace, type Place, type Turn } from './current-process.ts'
import type { RunState } from './run-state.ts'

/** What is known of a name, or of launches, in one run of a step. */
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
  /** Resolves when it is its turn to be handed out; the operation is then not pending any more. */
  handOut(): Promise<void> | undefined
  /** It came to nothing that is handed out. */
  drop(): void
}

/**
 * What comes after what in one run of a step, as far as that shows, so that names are counted only where their order is certain (C6).
 *
 * 1. What is asked for in one turn has a fixed order: `Promise.all(items.map((item) => this.effect('x', …)))`.
 * 2. While no two operations of a step overlap, all that it does is taken to be one sequence. (Branches that never overlap can't be told
 *    from one.)
 * 3. Once two have overlapped, a turn is known to come after another one if it goes on from the result of an operation of that (results are
 *    then handed out one by one, each in a turn of the event loop of its own), or if its asynchronous context has been there.
 * 4. A name that comes again and is not known to come after its last use, pending or not, is refused: another branch may use it, and in
 *    another run the two could get each other's records.
 */
export class StepFlow {
  readonly #run: RunState
  readonly #scopes = new Map<string, Scope>()
  readonly #uses = new Map<string, Use>()
  readonly #branches = new Set<string>()
  /** The turn of the operation whose result is just being handed out. */
  #goesOn: Turn | undefined
  /** Why nothing more is done by name in this run of the step. */
  refusal: SpecError | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  /** The branch that the code which runs here is in; empty outside of one. */
  get branch(): string {
    return this.#place?.branch ?? ''
  }

  has(key: string): boolean {
    return this.#uses.has(key)
  }

  /**
   * An operation is asked for; `key` is its kind and full name, and undefined for what has no name.
   *
   * @throws SpecError where its name may be that of another branch
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

  /** A branch is to begin: what is declared to run beside other things makes no names uncertain. */
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
   * @throws SpecError where a branch of that name is in progress
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
      return await atPlace(this.#run, { flow: this, branch, turn }, run)
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

  get #place(): Place | undefined {
    const place = currentPlace(this.#run)
    return place?.flow === this ? place : undefined
  }

  #scope(branch: string): Scope {
    let scope = this.#scopes.get(branch)
    if (scope === undefined)
      this.#scopes.set(branch, (scope = { pending: 0, parallel: false, last: undefined }))
    return scope
  }

  /** The turn that runs. Two that go on in one turn of the event loop are told apart by their asynchronous context. */
  #turn(branch: string, scope: Scope): Turn {
    const place = this.#place
    const present = place === undefined ? scope.last : place.turn
    if (present?.runs === true) return (scope.last = present)
    const after: Turn[] = []
    for (const turn of [this.#goesOn, place?.turn, scope.parallel ? undefined : scope.last])
      if (turn !== undefined && !after.includes(turn)) after.push(turn)
    const turn: Turn = { flow: this, after, runs: true }
    queueMicrotask(() => {
      turn.runs = false
    })
    scope.last = turn
    enterPlace(this.#run, { flow: this, branch, turn })
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
        // After all that goes on from this result without waiting for anything else.
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
