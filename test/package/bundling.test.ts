import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform, type BuildOptions } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compiledFolder } from '../programs/compiled.ts'

/** An application with an engine; says what it was warned of, and whether its lease was renewed. */
const APPLICATION = `
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
  const expires = async () => (await engine.store.engines())[0].expires
  for (let beats = 0, before = await expires(); beats < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = await expires()
    if (now !== before) beats++
    before = now
  }
  await engine.close()
  console.log(JSON.stringify({ beats: 3, name: Order.name, warned }))
}
void main()
`

interface Said {
  readonly beats: number
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
  const said = execFileSync(process.execPath, [outfile, join(folder, 'store.db')], {
    cwd: folder,
    encoding: 'utf8',
  })
  return JSON.parse(said) as Said
}

const BANNER =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)"

test('an application in one CommonJS file renews its lease', async () => {
  const { beats, warned } = await run({ format: 'cjs', outfile: 'application.cjs', keepNames: true })
  expect([beats, warned]).toEqual([3, []])
})

test('an application in one ES module renews its lease', async () => {
  const banner = { js: BANNER }
  const { beats, warned } = await run({ format: 'esm', outfile: 'application.mjs', keepNames: true, banner })
  expect([beats, warned]).toEqual([3, []])
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
