import type { Codec } from '../bundle/codec.ts'
import type { Parts } from '../persistence/contract/writes.ts'
import { ActorObject, type AnyActorClass } from '../process/actor/actor-class.ts'
import { noContext } from '../process/step/current-process.ts'

/**
 * The state of an actor that this engine holds: the instance, its stored fields, and its fields
 * after each call that has ended here.
 */
export class ActorState {
  object!: ActorObject
  readonly #class: AnyActorClass
  readonly #codec: Codec
  /** The arguments of the constructor, with values in place of references. */
  #parsed: string | undefined
  #isStored = false
  /** The stored fields or, if the construction is not stored yet, the constructed ones. */
  #base = ''
  #fields = ''

  constructor(actorClass: AnyActorClass, codec: Codec) {
    this.#class = actorClass
    this.#codec = codec
  }

  /** The fields after the last call that has ended here. */
  get fields(): string {
    return this.#fields
  }

  /** Whether the construction is stored. */
  get isStored(): boolean {
    return this.#isStored
  }

  /** Makes the instance from the stored arguments of its constructor and its stored fields. */
  async load(inputs: string, fields: string): Promise<void> {
    this.object = new ActorObject(this.#class, inputs, this.#codec)
    this.#isStored = true
    this.#base = this.#fields = fields
    await this.undo()
  }

  /**
   * Constructs the actor. `values` are its arguments with values in place of references. Throws
   * what its code throws.
   */
  async construct(inputs: string, values: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (values !== undefined) this.#parsed = this.#codec.stringify(values, 'inputs')
    this.object = new ActorObject(this.#class, this.#parsed ?? inputs, this.#codec)
    await noContext(() => this.object.make())
    this.#base = this.#fields = this.object.text()
  }

  /** Call it when a call has ended here, with the fields after the call. */
  advance(fields: string): void {
    this.#fields = fields
  }

  /** Forgets the calls that ended here after the one that led to these fields. */
  goBack(fields = this.#base): void {
    this.#fields = fields
  }

  /** Makes the instance from the fields after the last call that has ended here. */
  undo(): Promise<void> {
    return noContext(() => this.object.make(this.#fields))
  }

  /** The parts to store after the calls that led to these fields; after no call, the construction. */
  toStore(fields = this.#base): { readonly fields: string; readonly parts: Parts } {
    const constructed = !this.#isStored && this.#parsed !== undefined && { parsed: this.#parsed }
    const isNew = !this.#isStored || fields !== this.#base
    return { fields, parts: { ...(isNew && { memory: fields }), ...constructed } }
  }

  /** Call it when these fields are durable. */
  stored(fields: string): void {
    this.#isStored = true
    this.#base = fields
  }
}
