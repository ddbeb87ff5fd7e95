import type { SignalName } from '../../spec/typing.ts'
import type { Awaited, HandleLike } from './awaits.ts'
import type { WaitDetails } from './wait-details.ts'
import type { Wake } from './wake.ts'

/*
 * The types of steps in commands, and of what commands pass to them.
 */

// `any` stands for what the compiler can't know: the value of a resume, the payload of a signal, a
// result that no class declares. As the return type of a method it keeps the compiler from
// inferring that type, so that steps may continue with each other.
// oxlint-disable-next-line typescript/no-explicit-any
type Unknown = any

/** Any method. The compiler compares neither its parameters nor its return type. */
export type AnyMethod = (...args: never) => unknown

/** A process that is typed by its class. */
export interface TypedProcess {
  readonly '~class': unknown
}

/**
 * The arguments of a step. They are not known of a step that is given by name, or whose type admits
 * every method.
 */
export type StepArguments<S> = S extends (...args: infer A) => Unknown
  ? [A] extends [never]
    ? readonly unknown[]
    : A
  : readonly unknown[]

/** The names of the public methods of a process. */
export type StepName<P> = { [K in keyof P & string]: P[K] extends AnyMethod ? K : never }[keyof P & string]

/** The name of a step and its arguments. */
export type StepCall<P extends TypedProcess> = [StepName<P>] extends [never]
  ? NoCall
  : { [K in StepName<P>]: [step: K, ...args: StepArguments<P[K & keyof P]>] }[StepName<P>]

/** The name of the step after a wait, and the options of the wait. */
export type WaitCall<P extends TypedProcess> = [StepName<P>] extends [never]
  ? NoCall
  : [step?: StepName<P> | undefined, options?: WaitDetails<SignalName<P['~class']>>]

/**
 * More arguments than a call has. If no class is given, the compiler thus passes over the
 * signature for classes, and explains errors by the other one.
 */
type NoCall = [never, never, never, never, never, never, never, never, never, never, never, never]

/**
 * What a step after a wait must be, as far as the options of the wait show. `Time` is the type of
 * `for` and `until`, `Receive` that of the name of the signal.
 */
export type WokenStep<S, On, Time, Any, Receive> = S extends (...args: infer A) => Unknown
  ? [A] extends [never]
    ? unknown
    : (value: WaitValue<On, Time, Any>, wake: WaitWake<On, Time, Any, Receive>) => Unknown
  : unknown

type WaitValue<On, Time, Any> = [Known<On, Time, Any>] extends [never] ? Unknown : Known<On, Time, Any>
type Known<On, Time, Any> = ([Time] extends [undefined] ? never : undefined) | Ended<On, Any>

type WaitWake<On, Time, Any, Receive> =
  | { readonly by: 'resume'; readonly signal?: undefined; readonly value: Unknown }
  | ([Receive] extends [undefined]
      ? never
      : { readonly by: 'signal'; readonly signal: Unknown; readonly value: Unknown })
  | ([Time] extends [undefined] ? never : Extract<Wake, { readonly by: 'timer' }>)
  | ([On] extends [undefined]
      ? never
      : { readonly by: 'handles'; readonly signal?: undefined; readonly value: Ended<On, Any> })

/** How the processes ended that a wait is `on`, in the shape of the handles. */
type Ended<On, Any> = On extends HandleLike
  ? OneEnded<On>
  : On extends Awaited
    ? { -readonly [K in keyof On]: OneEnded<On[K]> | (Any extends true ? undefined : never) }
    : never
type OneEnded<H> = H extends { outcome(...args: never): Promise<infer S> } ? WithAnyValue<S> : Unknown
/** A result that no class declares fits every type. */
type WithAnyValue<S> = S extends { readonly status: 'fulfilled'; readonly value: infer R }
  ? unknown extends R
    ? Omit<S, 'value'> & { readonly value: Unknown }
    : S
  : S
