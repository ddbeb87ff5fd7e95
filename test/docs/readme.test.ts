import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { HAS_MORE, runsMore } from '../run/extent.ts'
import { root } from '../project/files.ts'
import { codeBlocks } from './code-blocks.ts'

const [first] = codeBlocks('README.md')

test.runIf(runsMore)('the first process of the README runs as it is printed', HAS_MORE, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'add.ts'), first?.code ?? '')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  // Where npm would put the package, there are its sources.
  const paths = { damson: [join(root, 'src/index.ts')] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))
  const run = () =>
    promisify(execFile)(process.execPath, ['--import', import.meta.resolve('tsx'), 'add.ts'], { cwd: folder })
  expect(await run()).toEqual({ stdout: '{ sum: 3 }\n', stderr: '' })
  // And again, with the file of the first time.
  expect(await run()).toEqual({ stdout: '{ sum: 3 }\n', stderr: '' })
})

test('the first process of the README takes about twenty lines', () => {
  expect(first?.code.trim().split('\n').length).toBeLessThanOrEqual(22)
})
