import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocks } from '../docs/code-blocks.ts'
import { root } from '../project/files.ts'

const blocks = codeBlocks('docs/testing.md')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-testing-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  // Where npm would put the package, there are its sources.
  const paths = {
    damson: [join(root, 'src/index.ts')],
    'damson/testing': [join(root, 'src/testing/index.ts')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))
})
afterAll(() => rmSync(folder, { recursive: true }))

// In their order: what one saves, another loads.
test.each(blocks)(
  'the example in line $line of the page about testing runs, and its tests pass',
  async ({ line, code }) => {
    const file = `example-${line}.ts`
    writeFileSync(join(folder, file), code)
    const said = await run(file)
    // A runner that finds no test says so, and does not fail.
    expect(/pass [1-9]/.test(said)).toBe(code.includes('test('))
  },
)

async function run(file: string): Promise<string> {
  try {
    const args = ['--import', import.meta.resolve('tsx'), file]
    return (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${stdout}${stderr}`, { cause: error })
  }
}
