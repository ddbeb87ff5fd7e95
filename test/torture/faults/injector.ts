import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout as later } from 'node:timers/promises'
import { Random } from '../../crash/random.ts'
import type { Action, Log } from '../log.ts'
import { rowsIfAny } from '../reader.ts'
import { within } from './patience.ts'
import type { Program, Programs } from './programs.ts'
import { ServerFaults } from './server-faults.ts'
import type { StoreFaults } from './store-faults.ts'
import { freezeUntilTakenOver, hasDeadline, type Held } from './take-over.ts'

/** How many of each kind of program run at a time. */
export interface Crew {
  readonly engines: number
  readonly clients: number
}

/** What happens, and how often beside the others. */
type Weights = readonly (readonly [fault: Fault, weight: number])[]

const OF_PROGRAMS: Weights = [
  ['kill engine', 5],
  ['freeze engine', 3],
  ['freeze engine until taken over', 4],
  ['stop engine', 3],
  ['kill client', 2],
  ['end client', 1],
  ['command', 3],
]
const OF_FILE: Weights = [
  ...OF_PROGRAMS,
  ['stop engine under a lock', 2],
  ['lock', 4],
  ['truncate', 3],
  ['vacuum', 1],
  ['backup', 1],
  ['fill disk', 1],
  ['move clock', 3],
]
/** Its clock counts, so moving that of the programs does nothing. */
const OF_SERVER: Weights = [...OF_PROGRAMS, ['cut connections', 5], ['stop server', 2]]

/** What keeps another engine from taking over what a frozen one ran. */
const HINDERS: ReadonlySet<Fault> = new Set([
  'kill engine',
  'freeze engine',
  'stop engine',
  'stop engine under a lock',
  'lock',
  'fill disk',
  'stop server',
])

/** What may do a kill whose time is up besides another engine that lives, or may be why nobody has done it. */
const EXCUSES: ReadonlySet<Fault> = new Set([
  ...HINDERS,
  'freeze engine until taken over',
  'vacuum',
  'move clock',
])

type Fault =
  | 'kill engine'
  | 'freeze engine'
  | 'freeze engine until taken over'
  | 'stop engine'
  | 'stop engine under a lock'
  | 'kill client'
  | 'end client'
  | 'lock'
  | 'truncate'
  | 'vacuum'
  | 'backup'
  | 'fill disk'
  | 'move clock'
  | 'command'
  | 'cut connections'
  | 'stop server'

export interface InjectorOptions {
  readonly seed: number
  readonly crew: Crew
  readonly lease: number
  readonly programs: Programs
  readonly store: StoreFaults | ServerFaults
  readonly storePath: string
  readonly clock: string
  readonly log: Log
}

/** Does bad things to the programs and the file. What it chooses, and when, follows from the seed. */
export class Injector {
  readonly #options: InjectorOptions
  readonly #random: Random
  readonly #underWay = new Set<Promise<void>>()
  #ahead = 0
  #asked = 0
  #takingOver = false
  #locked = false
  #stopping = false

  constructor(options: InjectorOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  /** Injects faults for so long, in milliseconds. */
  async run(ms: number, faults: boolean): Promise<void> {
    const until = performance.now() + ms
    while (performance.now() < until) {
      this.#fillCrew()
      await later(150 + this.#random.below(700))
      if (!faults) continue
      const fault = this.#choose()
      const own = new Random(this.#random.below(2 ** 31))
      const inject = this.#inject(fault, own).finally(() => this.#underWay.delete(inject))
      this.#underWay.add(inject)
    }
  }

  /** Waits for what is under way, and cuts short the calls of the command line that take too long. */
  async stop(): Promise<void> {
    this.#stopping = true
    const { programs } = this.#options
    const limit = setTimeout(() => {
      for (const command of programs.of('command')) void this.#signal(command, 'SIGKILL')
    }, COMMANDS)
    // A call that is cut short may be followed by another.
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    clearTimeout(limit)
  }

  #fillCrew(): void {
    const { programs, crew } = this.#options
    for (let count = programs.of('engine').length; count < crew.engines; count++)
      programs.start('engine', { seed: this.#seed(), old: this.#random.below(3) === 0 })
    for (let count = programs.of('client').length; count < crew.clients; count++)
      programs.start('client', { seed: this.#seed(), old: this.#random.below(3) === 0 })
  }

  #seed(): number {
    return this.#random.below(2 ** 31)
  }

  #choose(): Fault {
    const weights = this.#options.store instanceof ServerFaults ? OF_SERVER : OF_FILE
    let left = this.#random.below(weights.reduce((sum, [, weight]) => sum + weight, 0))
    for (const [fault, weight] of weights) if ((left -= weight) < 0) return fault
    return 'command'
  }

  async #inject(fault: Fault, random: Random): Promise<void> {
    if (this.#takingOver && HINDERS.has(fault)) return
    const { programs, store, storePath, lease } = this.#options
    if (EXCUSES.has(fault) && (await hasDeadline(storePath))) return
    const engine = victim(programs.of('engine'), random)
    const client = victim(programs.of('client'), random)
    switch (fault) {
      case 'kill engine':
        return this.#signal(engine, 'SIGKILL')
      case 'kill client':
        return this.#signal(client, 'SIGKILL')
      case 'end client':
        this.#note('end', client)
        client?.end()
        return
      case 'freeze engine':
        return this.#freeze(engine, lease * (1.2 + random.below(250) / 100))
      case 'freeze engine until taken over':
        return this.#freezeUntilTakenOver(
          store instanceof ServerFaults
            ? random.oneOf(['pause', 'nothing'])
            : random.oneOf(['pause', 'lock', 'both', 'both', 'both', 'nothing']),
          random.oneOf(['process', 'actor']),
        )
      case 'stop engine':
        return this.#stop(engine)
      case 'stop engine under a lock': {
        const lock = this.#lock(1_000 + random.below(1_500))
        await later(200)
        return void (await Promise.all([lock, this.#stop(engine)]))
      }
      case 'lock':
        return this.#lock(500 + random.below(lease * 4))
      case 'move clock':
        return this.#moveClock((1 + random.below(6)) * lease * (random.below(3) === 0 ? -1 : 1))
      case 'command':
        return this.#command(random)
      default:
        return store instanceof ServerFaults
          ? injectServer(store, fault, random)
          : injectFile(store, fault, random)
    }
  }

  async #lock(released: number | Promise<void>): Promise<void> {
    const { store } = this.#options
    if (this.#locked || store instanceof ServerFaults) return
    this.#locked = true
    await store.holdLock(released)
    this.#locked = false
  }

  #note(fault: string, program: Program | undefined): void {
    if (program !== undefined)
      this.#options.log.add({ what: 'fault', fault, phase: 'at', program: program.name })
  }

  async #signal(program: Program | undefined, signal: NodeJS.Signals): Promise<void> {
    if (program === undefined) return
    this.#note(signal, program)
    program.signal(signal)
    await program.ended
  }

  async #stop(engine: Program | undefined): Promise<void> {
    // A second one ends it at once.
    if (engine === undefined || engine.frozen || engine.stopping) return
    engine.stopping = true
    this.#note('SIGTERM', engine)
    engine.signal('SIGTERM')
    if (!(await within(CLOSING, () => engine.over))) {
      // The steps of the load are short, so it does not hold up the end.
      this.#note('does not end on SIGTERM', engine)
      await this.#signal(engine, 'SIGKILL')
    }
  }

  async #freeze(program: Program | undefined, ms: number): Promise<void> {
    // One that is asked to end has to do so in time.
    if (program === undefined || program.frozen || program.stopping) return
    this.#options.log.add({ what: 'fault', fault: 'freeze', phase: 'begin', program: program.name })
    program.signal('SIGSTOP')
    await later(ms)
    program.signal('SIGCONT')
    this.#options.log.add({ what: 'fault', fault: 'freeze', phase: 'end', program: program.name })
  }

  async #freezeUntilTakenOver(meanwhile: 'pause' | 'lock' | 'both' | 'nothing', held: Held): Promise<void> {
    const { log, storePath, programs } = this.#options
    // Those that are to take over have to be awake, and this takes long: one at a time.
    if (this.#takingOver) return
    this.#takingOver = true
    const ask = (action: Action, pid: string): Promise<boolean> =>
      this.#ask(action, pid, `take-over.${++this.#asked}`)
    await freezeUntilTakenOver(programs.of('engine'), storePath, log, held, {
      ...((meanwhile === 'pause' || meanwhile === 'both') && { ask }),
      ...((meanwhile === 'lock' || meanwhile === 'both') && { lock: (released) => this.#lock(released) }),
    })
    this.#takingOver = false
  }

  async #moveClock(ms: number): Promise<void> {
    // No further than that in all, or what sleeps does not wake up in this run.
    if (this.#ahead + ms < -5_000) return
    this.#ahead += ms
    this.#options.log.ahead = this.#ahead
    this.#options.log.add({ what: 'fault', fault: 'clock', phase: 'at', detail: `${ms} ms` })
    setClock(this.#options.clock, this.#ahead)
  }

  async #command(random: Random): Promise<void> {
    const { storePath } = this.#options
    const found = oneOf(await unended(storePath), random)
    if (found === undefined) return
    const { pid, actor, calls } = found
    // A call can only be killed, and an actor that is killed is of no use to the others any more.
    const action: Action =
      actor !== null
        ? 'kill'
        : random.oneOf(
            calls === null ? ['pause', 'play', 'kill', 'signal', 'pause', 'play'] : ['pause', 'play'],
          )
    const op = `command.${random.below(2 ** 31)}`
    const isDone = await this.#ask(action, pid, op)
    if (action === 'pause' && isDone && !this.#stopping) {
      await later(random.below(1_500))
      await this.#ask('play', pid, `${op}.play`)
    }
  }

  /** Asks something through the command line. Gives whether that was acknowledged. */
  async #ask(action: Action, pid: string, op: string): Promise<boolean> {
    const { programs, log } = this.#options
    const rest: Record<string, string[]> = {
      pause: ['--message', op],
      kill: ['--message', op, '--no-wait'],
      signal: ['ping', JSON.stringify(op)],
    }
    log.add({ what: 'ask', op, do: action, pid, ...(action === 'signal' && { name: 'ping' }) })
    const code = await programs.command([action, pid, ...(rest[action] ?? [])]).ended
    // One that was cut short has said nothing of what it did.
    if (code === null) return false
    log.add({ what: 'answer', op, ok: code === 0, value: code === 0, error: `exit ${code}` })
    return code === 0
  }
}

/** Calls of the command line get so long after everything else has stopped, in milliseconds. */
const COMMANDS = 15_000
/** For so long an engine may take to close, in milliseconds. */
const CLOSING = 20_000

/** Sets how far the wall clock of all programs is ahead of the machine's. */
export function setClock(path: string, ahead: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, new Uint8Array(new Float64Array([ahead]).buffer), 0, 8, 0)
  closeSync(file)
}

interface Unended {
  readonly pid: string
  readonly actor: string | null
  readonly calls: number | null
}

function unended(store: string): Promise<readonly Unended[]> {
  return rowsIfAny<Unended>(
    store,
    'SELECT pid, actor, calls FROM process WHERE ended_at IS NULL ORDER BY id DESC LIMIT 20',
  )
}

async function injectFile(store: StoreFaults, fault: Fault, random: Random): Promise<void> {
  if (fault === 'truncate') return store.truncateLog()
  if (fault === 'vacuum') return store.vacuum()
  if (fault === 'backup') return store.backup()
  return store.fillDisk(300 + random.below(1_500))
}

async function injectServer(store: ServerFaults, fault: Fault, random: Random): Promise<void> {
  if (fault === 'cut connections') return store.cut(random.oneOf([0.2, 0.5, 1]))
  return store.stop(random.below(2_500))
}

/** A program that is to suffer: one that works, as a rule, or nothing would ever get done where it takes long to start. */
function victim(programs: readonly Program[], random: Random): Program | undefined {
  const ready = programs.filter((program) => program.ready)
  if (random.below(8) === 0) return oneOf(programs, random)
  return ready.length > 1 || random.below(4) === 0 ? oneOf(ready, random) : undefined
}

function oneOf<T>(things: readonly T[], random: Random): T | undefined {
  return things.length === 0 ? undefined : random.oneOf(things)
}
