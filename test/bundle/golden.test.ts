import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Bundle } from '../../src/bundle/bundle.ts'
import { decodeBundle, encodeBundle } from '../../src/bundle/saved-form.ts'
import { NonRetryableError, StepTimeout } from '../../src/shared/errors.ts'
import { codec, golden } from './golden-values.ts'

const folder = new URL('../fixtures/bundles/format-1/', import.meta.url)
const read = (file: string): string => readFileSync(new URL(file, folder), 'utf8').trimEnd()

describe('bundles that format 1 wrote', () => {
  it('are all looked at', () => {
    expect(readdirSync(folder).toSorted()).toEqual(
      Object.keys(golden)
        .map((name) => `${name}.json`)
        .toSorted(),
    )
  })

  it.each(Object.entries(golden))('load: %s', (name, { head, form }) => {
    const bundle = Bundle.parse(read(`${name}.json`))
    const loaded = decodeBundle(bundle, codec)
    expect(bundle.head).toEqual(head)
    expect(loaded).toStrictEqual(form)
  })

  it.each(Object.keys(golden))('are written as they were, byte for byte: %s', (name) => {
    const text = read(`${name}.json`)
    const bundle = Bundle.parse(text)
    expect(bundle.text).toBe(text)
    expect(encodeBundle(bundle.head, decodeBundle(bundle, codec), codec).text).toBe(text)
  })

  it('keep what is shared and what leads back to itself', () => {
    const { ctx, members, instance } = decodeBundle(Bundle.parse(read('values.json')), codec)
    const loop = ctx['loop'] as Record<string, unknown>
    expect(loop['self']).toBe(loop)
    expect(instance['loop']).toBe(loop)
    expect((loop['members'] as Map<unknown, unknown>).get('shared')).toBe(members['shared'])
    const list = ctx['list'] as unknown[]
    expect(list[1]).toBe(list)
    expect([...(list[2] as Set<unknown>)]).toEqual([list, members['shared']])
  })

  it('keep errors as instances of their classes', () => {
    const { state, ctx } = decodeBundle(Bundle.parse(read('excepted.json')), codec)
    const error = state['error'] as StepTimeout
    expect(error).toBeInstanceOf(StepTimeout)
    expect(error).toMatchObject({ code: 'STEP_TIMEOUT', limit: 5n, message: 'too slow' })
    expect(error.cause).toBeInstanceOf(TypeError)
    expect(error.stack).toContain('/srv/app/add.js:3:7')
    expect(ctx['own']).toBeInstanceOf(NonRetryableError)
    expect(ctx['own']).toMatchObject({ name: 'CardRefused', card: { last: '4242' } })
  })
})
