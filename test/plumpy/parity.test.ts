import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/*
 * Each test function of plumpy's that is about ports, specs, processes, saving and loading has a row in `parity/`: the
 * test of ours that says the same, or why there is none.
 */

interface Row {
  readonly plumpy: string
  readonly ours?: string
  readonly leftOut?: string
}

const folder = fileURLToPath(new URL('parity/', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const functions = read('plumpy-tests.json') as readonly string[]
const rows = readdirSync(folder)
  .filter((name) => name !== 'plumpy-tests.json')
  .flatMap((name) => read(name) as readonly Row[])

function read(name: string): unknown {
  return JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))
}

test('each of plumpy’s test functions has exactly one row', () => {
  expect(rows.map(({ plumpy }) => plumpy).toSorted()).toEqual(functions.toSorted())
})

test('each row names a test of ours that exists, or a reason of Python’s', () => {
  const wrong = rows.filter(({ ours, leftOut }) => {
    if (leftOut !== undefined) return ours !== undefined || !/event loop|RabbitMQ|YAML|pickle/i.test(leftOut)
    const [file = '', ...path] = (ours ?? '').split(/: | > /)
    const text = readFileSync(`${root}${file}`, 'utf8').replaceAll("\\'", "'")
    const name = path.at(-1) ?? ''
    return name === '' || !text.includes(name)
  })
  expect(wrong).toEqual([])
})
