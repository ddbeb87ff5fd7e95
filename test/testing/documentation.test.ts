import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocks } from '../docs/code-blocks.ts'
import { compileText } from '../programs/compile-text.ts'

const blocks = codeBlocks('docs/testing.md')
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-testing-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

// In their order: what one saves, another loads.
test.each(blocks)(
  'the example in line $line of the page about testing runs, and its tests pass',
  async ({ line, code }) => {
    const said = await run(compileText(code, `testing-${line}.ts`))
    // A runner that finds no test says so, and does not fail.
    expect(/pass [1-9]/.test(said)).toBe(code.includes('test('))
  },
)

async function run(file: string): Promise<string> {
  try {
    return (await promisify(execFile)(process.execPath, [file], { cwd: folder })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${stdout}${stderr}`, { cause: error })
  }
}
