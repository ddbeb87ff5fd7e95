import { describe, expect, it } from 'vitest'
import { Codec } from '../../../src/bundle/codec.ts'
import {
  decodeState,
  encodeState,
  killedStateText,
  parseState,
  readEnd,
  stateText,
} from '../../../src/process/state/saved-state.ts'
import { IncompatibleBundle } from '../../../src/shared/errors.ts'

const codec = new Codec()

describe('the saved state of a process', () => {
  it('is decoded as it was encoded, without what is undefined', () => {
    const state = { label: 'running', step: 'bake', args: [new Date(0)], at: undefined } as const
    const text = encodeState(state, { resumes: [1] }, codec)
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['label', 'step', 'args', 'resumes'])
    expect(decodeState({ state: text }, codec)).toEqual({
      state: { label: 'running', step: 'bake', args: [new Date(0)] },
      extras: { resumes: [1] },
    })
  })

  it('keeps its text where it is read without its classes', () => {
    const text = encodeState({ label: 'running', step: 'bake', args: [new Date(0)] }, {}, codec)
    expect(stateText(parseState(text))).toBe(text)
  })

  it('of a kill has the message, where there is one', () => {
    expect(killedStateText('enough')).toBe('{"label":"killed","message":"enough"}')
    expect(killedStateText(null)).toBe('{"label":"killed"}')
  })

  it('says how the process ended', () => {
    const state = '{"label":"finished","result":4,"successful":true}'
    expect(readEnd({ state }, JSON.parse)).toMatchObject({ result: 4 })
  })

  it.each([
    ['no JSON', '{"label":'],
    ['no object', '"running"'],
    ['an unknown state', '{"label":"asleep"}'],
    ['a running state without a step', '{"label":"running","args":[]}'],
  ])('is refused where it is %s', (_, text) => {
    expect(() => parseState(text)).toThrow(IncompatibleBundle)
  })
})
