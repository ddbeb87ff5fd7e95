import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { filesBelow, root } from '../project/files.ts'
import { codeBlocks } from './code-blocks.ts'

test('the TypeScript in all pages compiles', () => {
  const blocks = filesBelow('.', '.md').flatMap(codeBlocks)
  expect(blocks.length).toBeGreaterThan(5)
  // Inside the project, so that its settings, its types and its packages are found.
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache', 'docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const files = new Map<string, string>()
  for (const { page, line, code, file = `line-${line}.ts` } of blocks) {
    const path = `${page.replace(/\W+/g, '-')}/${file}`
    files.set(path, `${page}:${line}`)
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), code)
  }
  const settings = { extends: '../../tsconfig.json', include: ['**/*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '--project', folder], {
    cwd: folder,
    encoding: 'utf8',
  })
  // What is wrong with the sources is found by the check of the sources.
  const said = stdout.split('\n').filter((line) => line !== '' && !/^(\.\.| )/.test(line))
  const places = said.map((line) => line.replace(/^[^(:]+\.ts/, (file) => files.get(file) ?? file))
  expect(places).toEqual([])
})

test('the files that the pages name are there', () => {
  const all = ['src', 'test'].flatMap((folder) =>
    ['.ts', '.js'].flatMap((ending) => filesBelow(folder, ending)),
  )
  const missing = ['ARCHITECTURE.md', 'CONTRIBUTING.md'].flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/`((?:[\w.-]+\/)*[\w-]+(?:\.test)?\.[tj]s)`/g)]
      .map((match) => match[1] ?? '')
      .filter((name) => !all.some((file) => file === name || file.endsWith(`/${name}`)))
      .map((name) => `${page}: ${name}`),
  )
  expect(missing).toEqual([])
})
