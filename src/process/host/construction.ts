import type { Bundle } from '../../bundle/bundle.ts'
import type { RetryOptions } from '../../spec/retry-policy.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Host } from './host.ts'

/** What a process is born with, beyond what its users give. */
export interface Birth {
  readonly pid?: string | undefined
  readonly logger?: Logger | undefined
  readonly host?: Host | undefined
  readonly created?: Date | undefined
  /** The retries that it is launched with. */
  readonly retry?: number | RetryOptions | undefined
  /** The saved form that it comes back from; then no inputs are checked. */
  readonly bundle?: Bundle | undefined
}

let next: { readonly of: object; readonly birth: Birth } | undefined

/** Constructs a process with what its constructor can't be given, since subclasses pass on only what they know. */
export function born<T>(processClass: new () => T, birth: Birth): T
export function born<T, A extends readonly unknown[]>(
  processClass: new (...args: A) => T,
  birth: Birth,
  ...args: A
): T
export function born<T>(
  processClass: new (...args: readonly unknown[]) => T,
  birth: Birth,
  ...args: readonly unknown[]
): T {
  next = { of: processClass, birth }
  try {
    return new processClass(...args)
  } finally {
    next = undefined
  }
}

/** For the constructor: what this object is born with; undefined where a user wrote `new`. */
export function takeBirth(processClass: object): Birth | undefined {
  if (next?.of !== processClass) return undefined
  const { birth } = next
  next = undefined
  return birth
}
