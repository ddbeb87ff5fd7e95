import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inlineWorker } from '../../scripts/inline-worker.ts'
import { root } from '../project/files.ts'
import { COMPILED } from './compiled.ts'

const SETTINGS = join(root, 'test/programs/tsconfig.json')
const COMPILER = join(root, 'node_modules/typescript/bin/tsc')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string | { readonly import: string }>>
}

/**
 * Before the tests: compiles the sources and the programs that tests start, once, since a program that compiles itself takes three times as
 * long to start. They go to a folder of this run, in which `damson` is what was compiled.
 */
export function setup(): () => void {
  const { folder, remove } = compile()
  process.env[COMPILED] = folder
  return remove
}

/** Compiles them to a new folder. */
export function compile(): { readonly folder: string; readonly remove: () => void } {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'programs-'))
  const { status, stdout } = spawnSync(
    process.execPath,
    [COMPILER, '--project', SETTINGS, '--outDir', folder],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(`the programs that tests start do not compile:\n${stdout}`)
  inlineWorker(join(folder, 'src'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest()))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }) }
}

/** That of the package, with what was compiled here in the place of what is built. */
function manifest(): object {
  const { name, version, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const files = Object.entries(exports).map(([entry, target]) => [
    entry,
    (typeof target === 'string' ? target : target.import).replace('./dist/', './src/'),
  ])
  return { name, version, type: 'module', exports: Object.fromEntries(files) as object }
}
