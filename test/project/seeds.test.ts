import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesBelow, root } from './files.ts'

test('tests of properties have their seeds from one place, and no test has a random one', () => {
  const wrong = filesBelow('test', '.test.ts').filter((file) => {
    if (file === 'test/project/seeds.test.ts') return false
    const text = readFileSync(join(root, file), 'utf8')
    return /from 'fast-check'|Math\.random\(/.test(text)
  })
  expect(wrong).toEqual([])
})
