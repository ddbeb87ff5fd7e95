import { describe, expect, it } from 'vitest'
import { decodeEventData, encodeEvent, eventData } from '../../src/persistence/contract/event-codec.ts'
import { IncompatibleBundle } from '../../src/shared/errors.ts'

describe('a stored history event', () => {
  it('has its data as JSON text, in the order in which it was given', () => {
    const failed = { step: 'relax', attempt: 2, attempts: 5, message: 'no memory', until: null }
    expect(encodeEvent('failed', failed)).toEqual({
      name: 'failed',
      data: '{"step":"relax","attempt":2,"attempts":5,"message":"no memory","until":null}',
    })
  })

  it('has no data where nothing is known', () => {
    expect(encodeEvent('played')).toEqual({ name: 'played', data: null })
    expect(encodeEvent('paused', { message: undefined })).toEqual({ name: 'paused', data: null })
  })

  it('is read back as it was', () => {
    const entry = { pid: 'p', ...encodeEvent('signalled', { name: 'approval' }) }
    expect(eventData(entry, 'signalled')).toEqual({ name: 'approval' })
    expect(eventData({ pid: 'p', ...encodeEvent('paused') }, 'paused')).toEqual({})
  })

  it('is refused where it is damaged, with the process and the entry', () => {
    const entry = { pid: 'p', seq: 3, name: 'failed', data: '{"step":' }
    expect(() => decodeEventData(entry)).toThrow(IncompatibleBundle)
    expect(() => decodeEventData(entry)).toThrow('process p is damaged: the data of entry 3 (failed)')
  })
})
