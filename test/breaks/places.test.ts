import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../project/files.ts'
import { breaks } from './breaks.ts'
import { brokenSource } from './broken-source.ts'

/* The breaks fit the sources and the tests that they name; `breaks.test.ts` runs them. */

test('there is a break of each contract', () => {
  const contracts = new Set(breaks.map(({ contract }) => contract))
  expect([...contracts]).toEqual(['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8', 'C9', 'C10', 'C11', 'C12'])
})

test.each(breaks)('$contract: what a break replaces is in its file exactly once ($what)', (broken) => {
  const text = readFileSync(join(root, broken.file), 'utf8')
  expect(brokenSource(text, broken)).not.toBe(text)
})

test('every break names tests that npm test runs', () => {
  const leftOut = breaks.filter(({ test: [file] }) =>
    readFileSync(join(root, file), 'utf8').startsWith('// @module-tag more'),
  )
  expect(leftOut).toEqual([])
})

test('no two breaks are the same', () => {
  const places = breaks.map(({ file, find, replace }) => [file, find, replace].join('\n'))
  expect(new Set(places).size).toBe(places.length)
})
