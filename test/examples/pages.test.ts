import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { codeBlocks } from '../docs/code-blocks.ts'
import { compileText } from '../programs/compile-text.ts'

/** What the programs in the pages print, by the class that tells them. */
const printed: Record<string, Record<string, string>> = {
  'docs/work-chains.md': {
    Order: "{ parcel: 'a book' }\n",
    SquareRoot: '{ root: 1.414213562373095 }\n',
  },
  'docs/children.md': {
    Minimum: '{ energy: 0 }\n',
    Cheapest: '1\n',
    RelaxTwice: '{ energy: -5 }\n',
  },
}

it.each(Object.entries(printed).flatMap(([page, all]) => Object.keys(all).map((name) => [page, name])))(
  'in %s the program with %s prints what it should',
  async (page = '', name = '') => {
    const block = codeBlocks(page).find(({ code }) => new RegExp(`class ${name} `).test(code))
    const folder = await mkdtemp(join(tmpdir(), 'damson-page-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const program = compileText(block?.code ?? '', `${name}.ts`)
    const { stdout } = await promisify(execFile)(process.execPath, [program], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    })
    expect(stdout).toBe(printed[page]?.[name])
  },
  60_000,
)
