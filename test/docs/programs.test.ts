import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transformSync } from 'esbuild'
import { expect, it, onTestFinished } from 'vitest'
import { filesBelow } from '../project/files.ts'
import { compiled } from '../programs/compiled.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'
import { codeBlocks, type CodeBlock } from './code-blocks.ts'

const pages = ['README.md', ...filesBelow('docs', '.md')].filter((page) => codeBlocks(page).length > 0)
/** What a new user reads. */
const FIRST_PAGES = ['README.md', 'docs/getting-started.md']

it.each(partOf(pages, (page) => FIRST_PAGES.includes(page)))(
  'every program in %s runs, and prints what the page shows',
  { ...HAS_MORE, timeout: 120_000 },
  async (of) => {
    const cwd = mkdtempSync(join(tmpdir(), 'damson-page-'))
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
    const programs = codeBlocks(of).map((block) => ({ block, program: compile(block) }))
    const all = codeBlocks(of).map(({ code }) => code)
    for (const { block, program } of programs) {
      // A program that imports this block runs it.
      if (all.some((code) => code.includes(`from './${block.file}'`))) continue
      const stdout = await run(program, cwd, block.file === 'worker.ts')
      const { page, line, prints = stdout } = block
      expect({ page, line, stdout }).toEqual({ page, line, stdout: prints })
      // A test runner that finds no test does not fail, but reports that none has passed.
      expect({ page, line, passed: /pass [1-9]/.test(stdout) }).toEqual({ page, line, passed: isTest(block) })
    }
  },
)

function isTest({ code }: CodeBlock): boolean {
  return code.includes('test(')
}

/** What a program prints. A worker runs until SIGTERM ends it. */
async function run(program: string, cwd: string, isWorker: boolean): Promise<string> {
  const env = { ...process.env, NO_COLOR: '1' }
  const timeout = isWorker ? 2_000 : 60_000
  try {
    return (await promisify(execFile)(process.execPath, [program], { cwd, env, timeout })).stdout
  } catch (error) {
    const { stdout, stderr, signal } = error as { stdout: string; stderr: string; signal: string | null }
    if (isWorker && signal === 'SIGTERM' && stderr === '') return stdout
    throw new Error(`${stdout}${stderr}`, { cause: error })
  }
}

/** Compiles a block to a file beside which `damson`, and the other blocks of its page, are found; its path. */
function compile({ page, line, code, file = `line-${line}.ts` }: CodeBlock): string {
  const to = compiled(`pages/${page.replace(/\W+/g, '-')}/${file}`)
  const { code: javascript } = transformSync(code, { loader: 'ts', format: 'esm', target: 'node20' })
  mkdirSync(dirname(to), { recursive: true })
  writeFileSync(to, javascript.replace(/(from "\.\/[\w-]+)\.ts"/g, '$1.js"'))
  return to
}
