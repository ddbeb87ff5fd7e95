import type { OutputPort } from '../ports/output-port.ts'
import type { InputPort } from '../ports/input-port.ts'
import type { PortOptions, Validator } from '../ports/port.ts'
import type { NamespaceOptions } from '../ports/port-group.ts'
import type { PortNamespace } from '../ports/port-namespace.ts'
import type { InstanceOf, Schema, ValueType } from '../ports/schema-type.ts'

/** A value of that type, or a function that makes one for each process. */
export type Default<S, I> = ValueType<S, I> | (() => ValueType<S, I>)

/** The options of a port, typed by its schema `S` or classes `I`. */
export interface TypedPortOptions<
  S extends Schema | undefined,
  I extends InstanceOf | undefined,
  R extends boolean,
> extends PortOptions {
  readonly schema?: S
  readonly instanceOf?: I
  readonly required?: R
  readonly validator?: Validator<NoInfer<ValueType<S, I>>> | undefined
}

export interface TypedInputOptions<
  S extends Schema | undefined,
  I extends InstanceOf | undefined,
  R extends boolean,
  D,
> extends TypedPortOptions<S, I, R> {
  readonly default?: D
}

/** What a signal says of its payload, typed by its schema `S` or classes `I`. */
export interface TypedSignalOptions<
  S extends Schema | undefined,
  I extends InstanceOf | undefined,
> extends Omit<PortOptions, 'required'> {
  readonly schema?: S
  readonly instanceOf?: I
  readonly validator?: Validator<NoInfer<ValueType<S, I>>> | undefined
}

/** The options of a namespace, typed by the schema or classes of its undeclared values. */
export interface TypedNamespaceOptions<
  S extends Schema | undefined,
  I extends InstanceOf | undefined,
  Dynamic extends boolean,
  R extends boolean,
  D,
  P extends boolean,
> extends NamespaceOptions {
  readonly schema?: S
  readonly instanceOf?: I
  readonly dynamic?: Dynamic
  readonly required?: R
  readonly default?: D
  readonly populateDefaults?: P
  // Declared and undeclared values together: the validator looks for itself.
  readonly validator?: Validator<Readonly<Record<string, unknown>>, PortNamespace> | undefined
}

/** How the ports of another class are taken over; `Name` are the dotted names that it has. */
export interface ExposeOptions<Name extends string = string> {
  /** The dotted namespace that they come under; next to the own ports without it. */
  readonly namespace?: string
  /** Only these; none for an empty list. Not together with `exclude`. */
  readonly include?: readonly Name[]
  /** All but these. */
  readonly exclude?: readonly Name[]
  /** Properties of the namespace that win over those of the exposed one. */
  readonly namespaceOptions?: NamespaceOptions
}

/** Which ports came from which class, and where they were put. */
export interface Exposure {
  readonly processClass: object
  /** The dotted namespace they came under, empty for none. */
  readonly namespace: string
  /** The dotted names in the exposed class, of ports and namespaces. */
  readonly ports: readonly string[]
}

/**
 * The classes that a spec makes its ports of; each keeps the constructor's parameters of its base.
 */
export interface PortClasses {
  readonly input: typeof InputPort
  readonly output: typeof OutputPort
  readonly namespace: typeof PortNamespace
}
