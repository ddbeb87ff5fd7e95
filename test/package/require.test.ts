import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { compiledFolder } from '../programs/compiled.ts'

const PROGRAM = `
const { Process } = require('damson')
const { SqliteStore } = require('damson/sqlite')
const { TestBench } = require('damson/testing')
class Answer extends Process { run() { return 42 } }
new Answer().execute().then(() => console.log(typeof SqliteStore.open, typeof TestBench))
`

test('a CommonJS program requires every entry point', () => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-require-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(compiledFolder(), join(folder, 'node_modules/damson'), 'junction')
  const said = execFileSync(process.execPath, ['--preserve-symlinks-main', '-e', PROGRAM], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(said).toBe('function function\n')
})
