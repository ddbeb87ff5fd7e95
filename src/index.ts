/** What users import as `damson`. Importing it loads no native module: `damson/sqlite` does. */

export {
  AlreadyDone,
  CheckpointNotFound,
  ClosedError,
  CommunicationError,
  ConnectionLost,
  DamsonError,
  DeadlineExceeded,
  DuplicateSubscriber,
  GroupError,
  GroupLaunchError,
  GroupNotFound,
  IncompatibleBundle,
  InvalidStateError,
  KeyConflictError,
  LeaseLost,
  MailboxFull,
  MissingResult,
  NonRetryableError,
  NotReady,
  PersistenceError,
  type PortProblem,
  PortValidationError,
  ResubmitError,
  type Resubmitted,
  ProcessError,
  ProcessExcepted,
  ProcessKilled,
  ProcessLost,
  ProcessUnsuccessful,
  RemoteException,
  ResponseTimeout,
  SerializationError,
  SpecError,
  StepTimeout,
  TaskRejected,
  TransitionError,
  UnknownProcessClass,
  UnroutableError,
  UpstreamFailed,
  WaitTimeout,
} from './shared/errors.ts'
export type { Awaits } from './process/state/awaits.ts'
export {
  append,
  Append,
  type ContextOptions,
  type ContextValues,
  ToContext,
  toContext,
} from './process/step/context.ts'
export type { EffectContext, EffectOptions } from './process/step/effect.ts'
export type { ReceiveOptions } from './process/step/signal-receiver.ts'
export type { EvictOptions, JoinOptions } from './process/step/suspension.ts'
export type {
  NoPredicate,
  NoSuchMethod,
  NotForContext,
  Registrable,
  SelfConsistent,
} from './process/step/self-consistent.ts'
export type { NotInContext } from './process/step/context-values.ts'
export { WorkChain } from './process/work-chain.ts'
export { type Awaited as AwaitedHandles, type HandleLike } from './process/state/awaits.ts'
export {
  type Command,
  Continue,
  type ContinueConstructor,
  type ExitCodeInfo,
  Kill,
  type Step,
  Stop,
  type StopOptions,
  UnsuccessfulResult,
  Wait,
  type WaitConstructor,
} from './process/state/commands.ts'
export type {
  OutputEmittedEvent,
  ProcessEvent,
  ProcessEventMap,
  ProcessExceptedEvent,
  ProcessFinishedEvent,
  ProcessKilledEvent,
  ProcessPausedEvent,
} from './process/process-events.ts'
export type {
  PostgresResult,
  PostgresTransaction,
  SqliteChanges,
  SqliteTransaction,
  SqliteValue,
  Transaction,
} from './process/host/transaction.ts'
export type { AnyProcessClass } from './process/host/process-object.ts'
export type { AnyRef, Dependency, LaunchOptions, Retention } from './process/host/launch-options.ts'
export type { Dropped } from './process/state/dropped.ts'
export type {
  ActorCalls,
  ActorOptions,
  ActorRef,
  CallArgs,
  CallOptions,
  CallResult,
  FieldOf,
  MethodOf,
} from './process/host/actor-ref.ts'
export type { AnyActorClass } from './process/actor/actor-class.ts'
export { currentCall, type CallContext } from './process/actor-call.ts'
export type {
  DoneRef,
  EventRecord,
  EventSource,
  Launched,
  LogChunk,
  MemberResult,
  Metadata,
  OutputRef,
  Outputs,
  ProcessHandle,
  Ref,
  ResultOf,
  ResultOptions,
  Settled,
  SizeOptions,
  StateInfo,
  Timing,
  TreeOptions,
  WaitOptions,
} from './process/host/process-handle.ts'
export type { GroupRecord } from './process/host/reference-record.ts'
export type {
  AbortedPids,
  GroupOptions,
  GroupProgress,
  GroupResultOptions,
  GroupWaitOptions,
  InteractiveOptions,
  ProcessGroup,
  ReturnWhen,
  TimedeltaOptions,
  Times,
  ValuesOptions,
} from './process/host/process-group.ts'
export { joinGroups } from './process/group/join-groups.ts'
export type { DisplayOptions, TextSink } from './process/host/display-options.ts'
export type { FollowOptions } from './process/host/follow-options.ts'
export { allowFailure, AllowFailure, quote, Quoted } from './process/host/input-marks.ts'
export type { Refable, RefableInputs } from './process/host/references.ts'
export { callRepr } from './process/references/call-repr.ts'
export {
  type Resolved,
  type ResolvedStates,
  resolveHandles,
  type ResolveOptions,
  resolveStates,
} from './process/references/resolve-handles.ts'
export { each, type Each } from './process/host/group-options.ts'
export type {
  Columns,
  GroupLaunchOptions,
  ImapOptions,
  InputsSource,
  MapOptions,
  ResultStream,
} from './process/host/group-options.ts'
export type { HistoryOptions } from './process/host/history-options.ts'
export type { PruneOptions } from './spec/prune-policy.ts'
export type { HookResult } from './process/definition/hooks.ts'
export type { HistoryEvent, HistoryEvents } from './process/state/history-event.ts'
export type { Progress, StoredLevel } from './process/state/report.ts'
export type { WaitDetails } from './process/state/wait-details.ts'
export type { Wake } from './process/state/wake.ts'
export type { PrintOptions } from './process/step/reports.ts'
export type { ProcessCallback } from './process/runner/callbacks.ts'
export type { ProcessListener } from './process/process-events.ts'
export { canTransition, isTerminal, nextStates } from './process/state/machine.ts'
export { processOf, type Defined } from './process/process-of.ts'
export { Process } from './process/process.ts'
export type {
  ConstructArgs,
  Joined,
  JoinedResults,
  LaunchChildArgs,
  ProcessOptions,
  SeveralOutputs,
  StatusInfo,
  Untyped,
} from './process/host/process-types.ts'
export { ProcessState } from './process/state/process-state.ts'
export { InputPort, type InputPortOptions } from './ports/input-port.ts'
export { OutputPort } from './ports/output-port.ts'
export { Port, type PortDescription, type PortOptions, type Validator } from './ports/port.ts'
export type { NamespaceDescription, NamespaceOptions } from './ports/port-group.ts'
export { type AbsorbOptions, PortNamespace } from './ports/port-namespace.ts'
// The types of specs: what declarations of a user's own classes are written with.
export type {
  DefaultMark,
  DropPaths,
  DynamicType,
  Expose,
  KeepPaths,
  LazyMark,
  NamespaceNode,
  OptionalMark,
  PortNode,
  PortType,
  PutPort,
  SetPath,
} from './ports/port-tree.ts'
export {
  type InstanceOf,
  type JsonSchema,
  type Schema,
  typed,
  type TypedSchema,
} from './ports/schema-type.ts'
export type { BackoffOptions } from './spec/backoff.ts'
export { ExitCode, type ExitCodes, type ExitCodeValue } from './spec/exit-code.ts'
export type { ExposedOptions } from './spec/exposed-values.ts'
export {
  type Conditional,
  if_,
  type Instruction,
  type OutlineExit,
  type OutlinePart,
  type OutlineStep,
  return_,
  type ReturnInstruction,
  while_,
} from './spec/instructions.ts'
export type { Carrier, Mark, MethodReference, NamedOf } from './spec/named-methods.ts'
export type { ExposeOptions, Exposure, PortClasses } from './spec/options.ts'
export type {
  OutlineBranch,
  OutlineIfNode,
  OutlineNode,
  OutlineReturnNode,
  OutlineStepNode,
  OutlineWhileNode,
} from './spec/outline-node.ts'
export { Outline, type OutlineSegment } from './spec/outline.ts'
export type { OutlineNext } from './spec/outline-walk.ts'
export { ProcessSpec, type SpecDescription } from './spec/process-spec.ts'
export {
  type ErrorClass,
  type RetryOptions,
  RetryPolicy,
  type SpecRetryOptions,
} from './spec/retry-policy.ts'
export type { AnySpec, Chain, Definable, SpecClass, SpecOf, UntypedSpec } from './spec/process-spec.ts'
export type {
  ExitCodesOf,
  ExposedInputs,
  ExposedOutputs,
  InputsOf,
  LaunchInputsOf,
  OutputName,
  OutputsOf,
  PartialOutputsOf,
  OutputValue,
  SelfTyped,
  SignalArgs,
  SignalName,
  SignalValue,
  TypedByAnotherClass,
} from './spec/typing.ts'
export type { AnyWorkChainSpec } from './spec/work-chain-spec.ts'
export { WorkChainSpec } from './spec/work-chain-spec.ts'
export { type ByKey, Client } from './client/client.ts'
export type { DeliberateOptions, PreviewedRequest } from './client/client-controller.ts'
export type { ClientOptions } from './client/client-options.ts'
export type { KeptMessage, ProcessDetails, ProcessValues, StepRecordName } from './client/read/details.ts'
export type {
  Attention,
  AttentionKind,
  ClassStatus,
  EngineInfo,
  EngineStatus,
  StoreStatus,
} from './client/read/status.ts'
export type { WaitCount, WaitKind } from './persistence/contract/survey.ts'
export type { Successor } from './client/read/successors.ts'
export type { ProcessList, ProcessSummary, WaitSummary } from './client/read/summary.ts'
export type { RestartOptions, ResubmitOptions } from './client/launch/restarter.ts'
export type { EditChanges, EditedValue, InputChanges } from './client/write/edits.ts'
export { Engine } from './engine/engine.ts'
export type {
  BroadcastFilter,
  BroadcastOptions,
  BroadcastSubscriber,
  Communicator,
  GroupSubscriber,
  RpcGroup,
  RpcOptions,
  RpcSubscriber,
  TaskContext,
  TaskOptions,
  TaskSubscriber,
} from './communication/contract/communicator.ts'
export { LocalCommunicator } from './communication/local-communicator.ts'
export { Uuid } from './communication/contract/message-value.ts'
export { type LauncherOptions, ProcessLauncher } from './communication/process-launcher.ts'
export {
  type RemoteContinueOptions,
  type RemoteInputs,
  type RemoteKillOptions,
  type RemoteLaunchArgs,
  type RemoteLaunchOptions,
  type RemoteOptions,
  type RemoteOutputs,
  type RemotePid,
  RemoteProcessController,
  type RemoteStatus,
} from './communication/remote-process-controller.ts'
export type { Broadcast } from './process/host/remote.ts'
export { PendingReply } from './shared/pending-reply.ts'
export type { CloseOptions, EngineOptions } from './engine/engine-options.ts'
export { MemoryStore } from './persistence/memory/memory-store.ts'
export type { Checkpoint, Persister } from './persistence/contract/persister.ts'
export type { Control, ListFilter } from './persistence/contract/control.ts'
export type {
  GroupMember,
  GroupPage,
  GroupPosition,
  GroupRange,
  GroupRow,
} from './persistence/contract/groups.ts'
export type { PauseCause, ProcessRow } from './persistence/contract/rows.ts'
export type { Store } from './persistence/contract/store.ts'
export type { Origin } from './persistence/contract/writes.ts'
export { Bundle, BundleKeys } from './bundle/bundle.ts'
export { Codec, type SavedType } from './bundle/codec.ts'
export type { SavedForm } from './bundle/saved-form.ts'
export { type LoadContext, type Loader, registeredName } from './bundle/loader.ts'
export { type Clock, systemClock } from './shared/clock.ts'
export { type Duration, milliseconds } from './shared/duration.ts'
export type { JsonArray, JsonObject, JsonValue } from './shared/json.ts'
export { type Logger, silentLogger } from './shared/logger.ts'
