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
}

describe('the numbered examples', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'damson-example-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it.each(Object.keys(printed))('%s prints what is expected, also when it is run again', async (name) => {
    const expected = printed[name]?.trimStart()
    expect(await run(name)).toBe(expected)
    expect(await run(name)).toBe(expected)
  })

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
