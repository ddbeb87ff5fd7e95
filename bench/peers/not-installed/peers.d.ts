/*
 * The peers for `npm run check`, which does not install them. What comes from them is `any`; all else in
 * the bench is checked in full. With the peers installed, `tsc -p bench/peers` checks their use too.
 */
type Any = any // oxlint-disable-line typescript/no-explicit-any

declare module '@effect/cluster'
declare module '@effect/sql'
declare module '@effect/sql-sqlite-node'
declare module '@effect/workflow'
declare module 'effect'
declare module 'openworkflow/postgres'
declare module 'openworkflow/sqlite'

declare module '@dbos-inc/dbos-sdk' {
  export interface WorkflowHandle<T> {
    readonly workflowID: string
    getResult(): Promise<T>
  }
  export const DBOS: {
    readonly [name: string]: Any
    retrieveWorkflow<T>(id: string): WorkflowHandle<T>
  }
}

declare module 'absurd-sdk' {
  export const Absurd: Any
  export type TaskContext = Any
}

declare module 'openworkflow' {
  export type Worker = Any
  export class OpenWorkflow {
    constructor(options: Any)
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
    defineWorkflow<Input, Output>(
      options: Any,
      workflow: (context: { readonly input: Input; readonly step: Any }) => Output | Promise<Output>,
    ): Any
    newWorker(options: Any): Worker
  }
}
