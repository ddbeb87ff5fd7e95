import { v7 } from 'uuid'

/** A new pid: a UUIDv7, so that pids sort by time and keep the store's index compact. */
export function newPid(): string {
  return v7()
}
