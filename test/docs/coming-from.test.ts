import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** The rows of the tables of the page, each a list of its cells. */
const rows = readFileSync('docs/coming-from.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  )

it('each row of the page for users of other systems has four cells, and names a test that exists', () => {
  expect(rows.length).toBeGreaterThan(30)
  const wrong = rows.filter((cells) => {
    const [file = '', ...name] = (cells[3] ?? '').split(': ')
    if (cells.length !== 4 || name.length === 0 || !existsSync(file)) return true
    return !readFileSync(file, 'utf8').replaceAll("\\'", "'").includes(name.join(': '))
  })
  expect(wrong).toEqual([])
})
