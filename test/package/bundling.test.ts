// @module-tag more
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, transform, type BuildOptions } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compiledFolder } from '../programs/compiled.ts'

/**
 * An application with an engine, which says what it was warned of once its lease was renewed. Meanwhile nothing else
 * runs in its main thread, so that only the thread of the heartbeat can renew it.
 */
const APPLICATION = `
import Database from 'better-sqlite3'
import { Engine, Process } from './src/index.js'
class Order extends Process {
  static instances = new Set<Order>()
  run() { Order.instances.add(this) }
}
async function main() {
  const warned: string[] = []
  const log = () => {}
  const logger = { debug: log, info: log, warn: (_: object, message: string) => warned.push(message), error: log }
  const engine = await Engine.open({ store: process.argv[2], processes: [Order], lease: 300, logger })
  const reader = new Database(process.argv[2], { readonly: true })
  const expires = reader.prepare('SELECT expires FROM engine').pluck()
  const first = expires.get()
  while (expires.get() === first);
  reader.close()
  await engine.close()
  console.log(JSON.stringify({ name: Order.name, warned }))
}
void main()
`

interface Said {
  readonly name: string
  readonly warned: readonly string[]
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-bundling-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Bundles the application into one file and runs it in another folder, as it is deployed. */
async function run(options: BuildOptions & { readonly outfile: string }): Promise<Said> {
  const beside = compiledFolder()
  const outfile = join(beside, options.outfile)
  const { warnings } = await build({
    stdin: { contents: APPLICATION, resolveDir: beside, loader: 'ts' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    external: ['better-sqlite3'],
    logLevel: 'silent',
    ...options,
    outfile,
  })
  expect(warnings.filter(({ id }) => id !== 'empty-import-meta')).toEqual([])
  // An application whose lease is never renewed does not end by itself.
  const { stdout } = await promisify(execFile)(process.execPath, [outfile, join(folder, 'store.db')], {
    cwd: folder,
    timeout: 20_000,
  })
  return JSON.parse(stdout) as Said
}

const BANNER =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)"

test('an application in one CommonJS file renews its lease', async () => {
  const { warned } = await run({ format: 'cjs', outfile: 'application.cjs', keepNames: true })
  expect(warned).toEqual([])
})

test('an application in one ES module renews its lease', async () => {
  const banner = { js: BANNER }
  const { warned } = await run({ format: 'esm', outfile: 'application.mjs', keepNames: true, banner })
  expect(warned).toEqual([])
})

test.each([false, true])(
  'a class that the bundler has renamed is warned of (minified: %s)',
  async (minify) => {
    const { name, warned } = await run({ format: 'cjs', outfile: `renamed-${minify}.cjs`, minify })
    expect(name).not.toBe('Order')
    expect(warned).toEqual([
      expect.stringMatching(/looks as if a bundler had renamed it.*static processName.*keepNames/),
    ])
  },
)

test('in a clone, damson leads to the source, and to the built package without tsconfig.json', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const bundled = (options: BuildOptions): Promise<string[]> =>
    build({
      stdin: { contents: "import 'damson'", resolveDir: root, loader: 'ts', sourcefile: 'app.ts' },
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      packages: 'external',
      metafile: true,
      write: false,
      logLevel: 'silent',
      ...options,
    }).then(({ metafile }) => Object.keys(metafile?.inputs ?? {}))
  expect(await bundled({})).toContain('src/index.ts')
  expect(await bundled({ tsconfigRaw: '{}' })).not.toContain('src/index.ts')
})

test('esbuild takes a top-level await in an ES module alone', async () => {
  const contents = 'await Promise.resolve()'
  await expect(transform(contents, { format: 'cjs', logLevel: 'silent' })).rejects.toThrow(/Top-level await/)
  expect((await transform(contents, { format: 'esm' })).code).toContain('await')
})

test('the page on bundling has the commands that this test runs', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/bundling.md', import.meta.url)), 'utf8')
  for (const word of [
    '--external:better-sqlite3',
    '--keep-names',
    '--format=cjs',
    '--format=esm',
    '--tsconfig-raw={}',
    BANNER,
  ])
    expect(page).toContain(word)
})
