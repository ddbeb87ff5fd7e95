import type { HandleLike } from '../state/awaits.ts'

/*
 * Wrappers for a handle or a value in the inputs of a launch.
 */

/**
 * A handle or reference whose failure does not fail the process that takes its value: it takes the
 * settled outcome.
 */
export class AllowFailure<H extends HandleLike = HandleLike> {
  /** Type only. */
  declare readonly '~kind': 'allowFailure'
  readonly handle: H

  constructor(handle: H) {
    this.handle = handle
  }
}

/**
 * In `toContext`, and in the inputs of a launch: stands for how the process ended, as
 * `handle.outcome()` resolves to it. Without this a failure fails the process that takes the value.
 */
export function allowFailure<H extends HandleLike>(handle: H): AllowFailure<H> {
  return new AllowFailure(handle)
}

/** A value in the inputs of a launch that is passed as it is: handles in it stay handles. */
export class Quoted<T = unknown> {
  /** Type only. */
  declare readonly '~kind': 'quoted'
  readonly value: T

  constructor(value: T) {
    this.value = value
  }
}

/**
 * In the inputs of a launch: passes a value as it is. `quote(handle)` is a handle there, and not the
 * result of its process.
 */
export function quote<T>(value: T): Quoted<T> {
  return new Quoted(value)
}
