import type { ProcessSummary, StateInfo } from '../../index.ts'
import type { Style } from './paint.ts'

/** Returns a state in a few words, such as `running, paused`. */
export function stateText(state: StateInfo): string {
  const words: string[] = [state.label]
  if (state.label === 'finished' && !state.successful) words[0] = 'failed'
  if (state.exitCode !== undefined) words[0] = `failed (${state.exitCode.code})`
  // A created process has not begun, so it is not shown as ready to continue.
  if (state.reason === 'queued' && state.label !== 'created') words[0] = 'ready'
  // No engine runs it, since the one that did has died.
  if (state.reason === 'crash' && state.label === 'running') words[0] = 'ready'
  if (state.paused) words.push('paused')
  if (state.reason === 'killing' || state.reason === 'parked') words.push(state.reason)
  if (state.reason === 'crash') words.push('crashed')
  return words.join(', ')
}

/** Returns the state of a process in a few words, with a pause that has not taken effect: `running, pausing`. */
export function processStateText({ state, pauseRequested }: ProcessSummary): string {
  return pauseRequested === null ? stateText(state) : `${stateText(state)}, pausing`
}

/** The style of a state in words. */
export function stateStyle(text: string): Style | undefined {
  if (/parked|killing|crash|^(failed|excepted|killed)/.test(text)) return 'red'
  if (/paus/.test(text)) return 'yellow'
  return { finished: 'green', running: 'cyan', ready: 'yellow' }[text] as Style | undefined
}
