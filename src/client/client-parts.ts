import type { Retention } from '../process/host/launch-options.ts'
import { Codec } from '../bundle/codec.ts'
import { ClassRegistry, mangledName } from '../bundle/loader.ts'
import { LARGEST_READ } from '../persistence/contract/control.ts'
import type { LifetimeRow } from '../persistence/contract/result-lifetime.ts'
import type { Store } from '../persistence/contract/store.ts'
import { ActorClasses } from '../process/actor/actor-class.ts'
import { itemClassName } from '../process/host/chunks.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import { chunkClassOf } from '../process/memory/chunk.ts'
import { Process } from '../process/process.ts'
import { SpecError } from '../shared/errors.ts'
import { systemClock, type Clock } from '../shared/clock.ts'
import { milliseconds } from '../shared/duration.ts'
import { guardedLogger, silentLogger, type Logger } from '../shared/logger.ts'
import type { ClientOptions } from './client-options.ts'
import { LaunchedProcesses } from './launched-processes.ts'
import { actorType, ClientActor } from './handle/client-actor.ts'
import { ClientHandle, type HandleParts } from './handle/client-handle.ts'
import { HandleRegistry } from './handle/handle-registry.ts'
import { handleTypes } from './handle/saved-handles.ts'
import { Launches } from './launch/launches.ts'
import { Restarter } from './launch/restarter.ts'
import { SignalSchemas } from './write/signal-schemas.ts'
import { RowReader } from './read/row-reader.ts'
import { SharedReads } from './read/shared-reads.ts'
import { BulkWrites } from './write/bulk.ts'
import { Edits } from './write/edits.ts'
import { GroupCommit } from './write/group-commit.ts'
import { CallWrites } from './write/call-writes.ts'
import { ClientSession } from './write/client-session.ts'
import { Requests } from './write/requests.ts'

/** The class of chunks of this name. */
function chunkClassNamed(
  name: string,
  find: (name: string) => AnyProcessClass | undefined,
): AnyProcessClass | undefined {
  const itemName = itemClassName(name)
  const itemClass = itemName === undefined ? undefined : find(itemName)
  return itemClass && chunkClassOf(Process, itemClass)
}

/** The objects that a client consists of, built in the order in which they depend on each other. */
export class ClientParts implements HandleParts {
  readonly store: Store
  readonly clock: Clock
  /** How histories show the requests of the client. */
  readonly name: string
  readonly logger: Logger
  readonly codec: Codec
  readonly classes: ClassRegistry<AnyProcessClass>
  readonly actorClasses: ActorClasses
  /** How long a killed step has before its process is fenced, in milliseconds. */
  readonly killGrace: number
  readonly commits: GroupCommit
  readonly rows: RowReader
  /** How long results are kept. */
  readonly lifetimes: SharedReads<LifetimeRow>
  readonly session: ClientSession
  readonly queueing: CallWrites
  readonly requests: Requests
  readonly bulk: BulkWrites
  readonly edits: Edits
  readonly signals: SignalSchemas
  readonly launches: Launches
  readonly restarter: Restarter
  readonly registry: HandleRegistry<ClientHandle>
  readonly launched: LaunchedProcesses

  /** `name` is how histories show the requests of this client. */
  constructor(store: Store, options: ClientOptions, name: string) {
    this.store = store
    this.clock = options.clock ?? systemClock
    this.logger = guardedLogger(options.logger ?? silentLogger)
    this.codec = new Codec([
      ...(options.types ?? []),
      ...handleTypes((pid) => this.handle(pid, '')),
      actorType((name, id) => this.actor(name, id)),
    ])
    this.classes = new ClassRegistry(options.processes, options.loader, chunkClassNamed)
    for (const [className, processClass] of this.classes) {
      const warning = mangledName(processClass)
      if (warning !== undefined) this.logger.warn({ class: className }, warning)
    }
    this.actorClasses = new ActorClasses(options.actors)
    for (const [name] of this.actorClasses) {
      if (this.classes.find(name) !== undefined)
        throw new SpecError(
          `the actor class ${name} has the name of a process class: give it another \`static actorName\``,
        )
    }
    this.killGrace = milliseconds(options.killGrace ?? '10s')
    this.commits = new GroupCommit(store, this.logger)
    this.rows = new RowReader(store, this.commits, this.clock)
    this.lifetimes = new SharedReads({
      one: async (pid) => (await store.lifetimes([pid]))[0],
      several: async (pids) => new Map((await store.lifetimes(pids)).map((row) => [row.pid, row])),
      largest: LARGEST_READ,
    })
    this.session = new ClientSession(store, this.commits, this.logger, name)
    this.queueing = new CallWrites(this.commits, this.session)
    this.name = name
    this.requests = new Requests(this.commits, name, this.killGrace)
    this.bulk = new BulkWrites(store, this.commits, this.requests)
    this.edits = new Edits(store, this.commits, this.codec, name)
    this.signals = new SignalSchemas(this.classes, store)
    this.launches = new Launches(store, this.codec, this.clock, this.classes)
    this.restarter = new Restarter(this)
    this.registry = new HandleRegistry(store, this.clock)
    this.launched = new LaunchedProcesses(store)
  }

  /** Returns a reference to an actor. `retention` applies to the calls through the reference. */
  actor(
    className: string,
    id: string,
    actorClass = this.actorClasses.find(className),
    retention?: Retention,
  ): ClientActor {
    return new ClientActor(this, { id, className, actorClass, retention })
  }

  /** Returns the handle of a process: the same object for each call while a caller holds it. */
  handle(pid: string, name: string): ClientHandle {
    const known = this.registry.find(pid)
    if (known?.gone === false) return known
    const handle = new ClientHandle(this, pid, name)
    this.registry.add(handle)
    return handle
  }
}
