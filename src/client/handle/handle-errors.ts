import { ProcessLost, WaitTimeout } from '../../shared/errors.ts'

export function notStored(pid: string): ProcessLost {
  return new ProcessLost(
    pid,
    `there is no process ${pid} in this store: the pid is wrong, it is another store, or it was pruned`,
  )
}

export function timedOut(pid: string): WaitTimeout {
  return new WaitTimeout(
    `process ${pid} had not ended when the wait timed out; the process continues`,
    [pid],
    1,
  )
}
