import type { Codec } from '../bundle/codec.ts'
import type { ClassRegistry } from '../bundle/loader.ts'
import type { ClientHandle } from '../client/handle/client-handle.ts'
import type { HandleRegistry } from '../client/handle/handle-registry.ts'
import type { GroupCommit } from '../client/write/group-commit.ts'
import type { Store } from '../persistence/contract/store.ts'
import type { AnyProcessClass } from '../process/host/process-object.ts'
import type { Clock } from '../shared/clock.ts'
import type { LaunchedProcesses } from '../client/launched-processes.ts'
import type { Logger } from '../shared/logger.ts'

/** What all parts of one engine share. */
export interface EngineParts {
  /** The id of the engine: the owner of its claims. */
  readonly id: string
  /** The name of the engine in histories. */
  readonly name: string
  readonly store: Store
  readonly commits: GroupCommit
  readonly handles: HandleRegistry<ClientHandle>
  readonly launched: LaunchedProcesses
  readonly classes: ClassRegistry<AnyProcessClass>
  readonly codec: Codec
  readonly clock: Clock
  readonly logger: Logger
  /** Milliseconds that a killed step has before it is fenced. */
  readonly killGrace: number
}
