import type { SignalName, SignalValue } from '../../spec/typing.ts'

/**
 * What ended a `Wait`. The next step receives it after the value. `by` names the condition, and
 * narrows the type of `value`, which is that same value.
 *
 * `C` is the class of the process, `Wake<typeof Order>`. It types the payloads of signals. `Ended`
 * is the type of the outcomes of the processes in `on`.
 */
export type Wake<C = unknown, Ended = unknown> =
  | { readonly by: 'resume'; readonly signal?: undefined; readonly value: unknown }
  | WokenBySignal<C>
  | { readonly by: 'timer'; readonly signal?: undefined; readonly value: undefined }
  | { readonly by: 'handles'; readonly signal?: undefined; readonly value: Ended }

type WokenBySignal<C> = {
  [Name in SignalName<C>]: {
    readonly by: 'signal'
    /** The name of the signal. */
    readonly signal: Name
    readonly value: SignalValue<C, Name>
  }
}[SignalName<C>]
