import { milliseconds } from '../../shared/duration.ts'
import { checkOptions, isDuration, shown } from '../../shared/options.ts'
import type { Retention } from './launch-options.ts'

/** The policy of a launch as a store keeps it: how long the result stays. */
export interface StoredRetention {
  readonly policy: 'until-fetched' | 'refs' | 'ttl'
  /** For `ttl`: milliseconds from the end of the process. */
  readonly ttl: number | null
}

/** @throws TypeError for an invalid policy, RangeError for a `ttl` that is not a duration */
export function isRetention(what: string, value: unknown): void {
  if (value === 'keep' || value === 'until-fetched' || value === 'refs') return
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('ttl' in value))
    throw new TypeError(`${what} is 'keep', 'until-fetched', 'refs' or { ttl: '30d' }, not ${shown(value)}`)
  checkOptions(value as { readonly ttl?: unknown }, { ttl: isDuration }, what)
  isDuration(`${what}: ttl`, value.ttl)
  if (!Number.isFinite(milliseconds(value.ttl as number)))
    throw new RangeError(`${what}: ttl has no end: write 'keep' instead`)
}

/** What a store keeps of a policy; undefined for one that drops nothing by itself. */
export function storedRetention(retention: Retention = 'keep'): StoredRetention | undefined {
  if (retention === 'keep') return undefined
  if (typeof retention === 'object') return { policy: 'ttl', ttl: Math.ceil(milliseconds(retention.ttl)) }
  return { policy: retention, ttl: null }
}
