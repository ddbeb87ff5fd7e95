import type { ProcessState } from './process-state.ts'

/** A process in one line: `Order<0199…> (waiting, paused)`. */
export function processText(name: string, pid: string, state: ProcessState, paused: boolean): string {
  return `${name}<${pid}> (${state}${paused ? ', paused' : ''})`
}
