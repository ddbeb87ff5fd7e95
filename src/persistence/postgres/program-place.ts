import { readFileSync, readlinkSync } from 'node:fs'

let place: string | null | undefined

/**
 * Where this program's number is the number of this program alone: the start of the machine's system, and the
 * namespace of its process numbers, which a container has of its own. Null where the system does not tell.
 */
export function placeOfProgram(): string | null {
  place ??= readPlace()
  return place
}

function readPlace(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return null
  }
}

/** Whether a program of this place runs. Another program may have got its number. */
export function isRunning(osPid: number): boolean {
  try {
    process.kill(osPid, 0)
    return true
  } catch (error) {
    // Any other error, as for a program of another user, does not show that it has ended.
    return (error as { readonly code?: unknown }).code !== 'ESRCH'
  }
}
