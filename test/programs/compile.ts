import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { inlineWorker } from '../../scripts/inline-worker.ts'
import { filesBelow, root } from '../project/files.ts'
import { BUNDLED, COMPILED } from './compiled.ts'

const SETTINGS = join(root, 'test/programs/tsconfig.json')
const COMPILER = join(root, 'node_modules/typescript/bin/tsc')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>
}

/** What is started, or imported by what a test writes, by its path without `.js`. */
const ENTRIES = [
  'src/index',
  'src/persistence/sqlite/index',
  'src/testing/index',
  'src/cli/main',
  'test/programs/engine-program',
  'test/programs/group-memory-program',
  'test/programs/groups-program',
  'test/programs/handles-program',
  'test/programs/tally-program',
  'test/persistence/programs/store-program',
  'test/torture/load/recorded-program',
]

/**
 * Before the tests: compiles the sources and the programs that tests start, once, since a program that compiles itself takes three times as
 * long to start, and bundles them, since to find and load two hundred modules takes as long as all else. They go to a folder of this
 * run, in which `damson` is what was compiled.
 */
export async function setup(): Promise<() => void> {
  const { folder, remove } = compile()
  await bundle(folder)
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

/** Bundles what is started to a folder in that of what was compiled. What several programs use goes to files that they share. */
async function bundle(folder: string): Promise<void> {
  const to = join(folder, BUNDLED)
  const { name, exports } = manifest()
  const examples = filesBelow('examples', '.ts').map((file) => file.replace(/\.ts$/, ''))
  await build({
    entryPoints: [...ENTRIES, ...examples].map((entry) => join(folder, `${entry}.js`)),
    outbase: folder,
    outdir: to,
    // As deep as the sources, which look for package.json from where they are.
    chunkNames: 'src/shared/[name]-[hash]',
    alias: Object.fromEntries(
      Object.entries(exports).flatMap(([entry, target]) =>
        typeof target === 'string' ? [] : [[join(name, entry), join(folder, target.default)]],
      ),
    ),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    external: ['better-sqlite3', 'esbuild', 'jiti'],
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
    },
    logLevel: 'error',
  })
  writeFileSync(join(to, 'package.json'), JSON.stringify(manifest()))
}

/** That of the package, with what was compiled here in the place of what is built. */
function manifest(): {
  readonly name: string
  readonly version: string
  readonly type: 'module'
  readonly exports: Manifest['exports']
} {
  const { name, version, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const files = Object.entries(exports).map(([entry, target]) => {
    if (typeof target === 'string') return [entry, target]
    const conditions = Object.entries(target).filter(([condition]) => condition !== 'types')
    return [
      entry,
      Object.fromEntries(
        conditions.map(([condition, file]) => [condition, file.replace('./dist/', './src/')]),
      ),
    ]
  })
  return { name, version, type: 'module', exports: Object.fromEntries(files) }
}
