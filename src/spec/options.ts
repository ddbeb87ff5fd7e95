import type { OutputPort } from '../ports/output-port.ts'
import type { InputPort } from '../ports/input-port.ts'
import type { PortOptions, Validator } from '../ports/port.ts'
import type { NamespaceOptions } from '../ports/port-group.ts'
import type { PortNamespace } from '../ports/port-namespace.ts'
import type { InstanceOf, Schema, ValueType } from '../ports/schema-type.ts'

/** A value of the type of the port, or a function that makes one for each process. */
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

/** The options of a signal, typed by its schema `S` or classes `I`. */
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
  // The validator receives declared and undeclared values together, so they are not typed.
  readonly validator?: Validator<Readonly<Record<string, unknown>>, PortNamespace> | undefined
}

/** How the ports of another class are taken over. `Name` is the union of its dotted names. */
export interface ExposeOptions<Name extends string = string> {
  /** The dotted namespace for the ports. Without it they are added at the top level. */
  readonly namespace?: string
  /** Takes only these ports; an empty list takes none. Not together with `exclude`. */
  readonly include?: readonly Name[]
  /** Takes all but these ports. */
  readonly exclude?: readonly Name[]
  /** Properties that override those of the exposed namespace. */
  readonly namespaceOptions?: NamespaceOptions
}

/** A record of the ports taken over from another class. */
export interface Exposure {
  readonly processClass: object
  /** The dotted namespace for the ports, empty for the top level. */
  readonly namespace: string
  /** The dotted names in the exposed class, of ports and namespaces. */
  readonly ports: readonly string[]
}

/**
 * The classes of the ports of a spec. Each keeps the constructor's parameters of its base class.
 */
export interface PortClasses {
  readonly input: typeof InputPort
  readonly output: typeof OutputPort
  readonly namespace: typeof PortNamespace
}
