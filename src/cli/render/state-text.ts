import type { StateInfo } from '../../index.ts'

/** Returns a state in a few words, such as `running, paused`. */
export function stateText(state: StateInfo): string {
  const words: string[] = [state.label]
  if (state.label === 'finished' && !state.successful) words[0] = 'failed'
  if (state.exitCode !== undefined) words[0] = `failed (${state.exitCode.code})`
  if (state.paused) words.push('paused')
  if (state.reason === 'killing' || state.reason === 'parked' || state.reason === 'crash')
    words.push(state.reason)
  return words.join(', ')
}
