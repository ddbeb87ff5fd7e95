import type { Codec } from '../bundle/codec.ts'
import type { Parts } from '../persistence/contract/writes.ts'
import { ActorObject, type AnyActorClass } from '../process/actor/actor-class.ts'
import { noContext } from '../process/step/current-process.ts'

/**
 * The state of an actor that this engine holds: the instance, the fields that are stored of it, and those
 * that the calls have led to that have ended here.
 */
export class ActorState {
  object!: ActorObject
  readonly #class: AnyActorClass
  readonly #codec: Codec
  /** The arguments of the constructor, where their references were replaced by values. */
  #parsed: string | undefined
  #isStored = false
  /** The fields that are stored, or those as constructed where that is not stored yet. */
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

  /** Makes the instance from what is stored: the arguments of its constructor, and its fields. */
  async load(inputs: string, fields: string): Promise<void> {
    this.object = new ActorObject(this.#class, inputs, this.#codec)
    this.#isStored = true
    this.#base = this.#fields = fields
    await this.undo()
  }

  /** Constructs the actor. `values` are its arguments with the values of others. Throws what its code throws. */
  async construct(inputs: string, values: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (values !== undefined) this.#parsed = this.#codec.stringify(values, 'inputs')
    this.object = new ActorObject(this.#class, this.#parsed ?? inputs, this.#codec)
    await noContext(() => this.object.make())
    this.#base = this.#fields = this.object.text()
  }

  /** A call has ended here, and has led to these fields. */
  advance(fields: string): void {
    this.#fields = fields
  }

  /** The calls that have ended here do not count any more, except those that have led to these fields. */
  goBack(fields = this.#base): void {
    this.#fields = fields
  }

  /** Makes the instance from the fields after the last call that has ended here. */
  undo(): Promise<void> {
    return noContext(() => this.object.make(this.#fields))
  }

  /** What is to be stored after the calls that have led to these fields; after no call, the construction. */
  toStore(fields = this.#base): { readonly fields: string; readonly parts: Parts } {
    const constructed = !this.#isStored && this.#parsed !== undefined && { parsed: this.#parsed }
    const isNew = !this.#isStored || fields !== this.#base
    return { fields, parts: { ...(isNew && { memory: fields }), ...constructed } }
  }

  /** These fields are durable. */
  stored(fields: string): void {
    this.#isStored = true
    this.#base = fields
  }
}
