import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { filesBelow, root } from '../project/files.ts'
import { deadLinks } from '../project/links.ts'

test('no page in the package links to a file that is not in the package', () => {
  const args = ['pack', '--dry-run', '--ignore-scripts', '--json']
  const output = execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(output) as [{ files: readonly { path: string }[] }]
  const folder = mkdtempSync(join(tmpdir(), 'damson-package-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const { path } of packed.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    if (path.endsWith('.md')) cpSync(join(root, path), join(folder, path))
    else writeFileSync(join(folder, path), '')
  }
  const pages = packed.files.map(({ path }) => path).filter((path) => path.endsWith('.md'))
  expect(pages).toContain('docs/processes.md')
  expect(pages.flatMap((page) => deadLinks(folder, page).map((link) => `${page}: ${link}`))).toEqual([])
}, 120_000)

test('the README links to every page in docs', () => {
  const page = readFileSync(join(root, 'README.md'), 'utf8')
  const missing = filesBelow('docs', '.md').filter((file) => !page.includes(`](${file})`))
  expect(missing).toEqual([])
})
