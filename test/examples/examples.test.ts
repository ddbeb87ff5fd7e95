import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What each prints, to the letter. */
const printed: Record<string, string> = {
  '01-first-process.ts': `
{ receipt: 'a book for 12 €' }
`,
  '02-ports-and-validation.ts': `
{ minutes: 30 }
{ minutes: 104 }
inputs.recipe: must be one of "bread", "cake", not "pie"
inputs.oven.degrees: must be number, not "hot"
inputs.egg: there is no port 'egg'; did you mean 'eggs'?
recipe, eggs, oven
`,
  '03-waiting-and-resuming.ts': `
40 € need an approval
40 € approved by Ada (resume)
without an engine: created
9000 € need an approval
finished, successful: false: 310 9000 € were refused by Grace
`,
  '04-pause-play-kill.ts': `
created, paused: true, until the office opens
ended within a tenth of a second: false
{ counted: 3 }
the process hears of it: too late for that
killed: too late for that
killed again: false
`,
  '05-children.ts': `
words in the title: 3, on the pages: 3 and 2
child CountWords: finished
child CountWords: finished
`,
  '06-saving-and-loading.ts': `
running [ 'Oslo', 'Bergen' ] maps open: 0
Oslo → Bergen → Tromsø
true
Oslo – Bergen – Tromsø
`,
  '07-several-engines.ts': `
sum of the squares: 22140
found again: 40
finished exactly once: 40
`,
  '08-own-types.ts': `
14.49 € due on 2030-01-31
excepted: ctx.note can't be saved
`,
}

describe('the numbered examples', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'damson-example-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it.each(Object.keys(printed))(
    '%s prints what is expected, also when it is run again',
    async (name) => {
      const expected = printed[name]?.trimStart()
      expect(await run(name)).toBe(expected)
      expect(await run(name)).toBe(expected)
    },
    120_000,
  )

  it('are all tested here and listed in their README', async () => {
    const files = (await readdir(join(root, 'examples'))).filter((file) => /^\d\d-.*\.ts$/.test(file))
    expect(files.toSorted()).toEqual(Object.keys(printed))
    const readme = await readFile(join(root, 'examples/README.md'), 'utf8')
    for (const file of files) expect(readme).toContain(`](${file})`)
  })

  it('begin with a process of 20 lines', async () => {
    const text = await readFile(join(root, 'examples/01-first-process.ts'), 'utf8')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
  })

  async function run(name: string): Promise<string> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), join(root, 'examples', name)],
      { cwd: folder, env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json'), NO_COLOR: '1' } },
    )
    return stdout
  }
})
