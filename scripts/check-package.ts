/**
 * Looks at the package as its users get it: packs it, unpacks it as a dependency of a small program in a folder of
 * its own (test/package/consumer), compiles that program and our type tests against the packed declarations, and
 * runs it. Needs no network and no second compilation of better-sqlite3: what the package depends on is linked from
 * here, and nothing else is.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { compilers, node, root, run, tool } from './run.ts'

/** What a type test imports by the path of an entry point, a user imports by its name. */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  'src/index.ts': 'damson',
  'src/persistence/sqlite/index.ts': 'damson/sqlite',
  'src/persistence/postgres/index.ts': 'damson/postgres',
  'src/communication/rabbitmq/index.ts': 'damson/rabbitmq',
  'src/testing/index.ts': 'damson/testing',
}

/** The packages that type tests import beside ours. */
const TYPE_TESTS_USE = ['vitest', 'zod', 'valibot', 'arktype', 'typebox']

/** Expects that dist/ has been built. Throws where something is wrong. */
export function checkPackage(): void {
  const folder = mkdtempSync(join(tmpdir(), 'damson-package-'))
  try {
    const tarball = pack(folder)
    run(tool('publint'), ['run', '--strict', tarball])
    run(tool('attw'), [tarball, '--profile', 'esm-only', '--no-summary'])

    const consumer = join(folder, 'consumer')
    cpSync(join(root, 'test/package/consumer'), consumer, { recursive: true })
    const { bin } = install(tarball, consumer)
    copyTypeTests(join(consumer, 'types'))

    node(['no-native.mjs'], consumer)
    for (const compiler of [compilers.newest, compilers.oldest]) {
      node([compiler, '--project', 'tsconfig.json'], consumer)
      node([compiler, '--project', 'tsconfig.types.json'], consumer)
      node([compiler, '--project', 'tsconfig.bare.json'], consumer)
      node([compiler, '--project', 'tsconfig.core.json'], consumer)
    }
    node(['out/consumer.js'], consumer)
    node([join('node_modules/damson', bin.damson), '--help'], consumer)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function pack(into: string): string {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', into]
  const output = execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [packed] = JSON.parse(output) as [{ filename: string }]
  return join(into, packed.filename)
}

interface Manifest {
  readonly bin: { readonly damson: string }
  readonly dependencies: Readonly<Record<string, string>>
}

/** Unpacks the package where npm would, beside links to what it depends on and to what the program itself needs. */
function install(tarball: string, consumer: string): Manifest {
  const modules = join(consumer, 'node_modules')
  const installed = join(modules, 'damson')
  mkdirSync(installed, { recursive: true })
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed])

  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest
  for (const name of [...Object.keys(manifest.dependencies), ...TYPE_TESTS_USE, '@types/node']) {
    const link = join(modules, name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
  return manifest
}

/** Copies the type tests, with the names of the package in place of the paths of its entry points. */
function copyTypeTests(into: string): void {
  const tests = join(root, 'test')
  for (const path of readdirSync(tests, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.test-d.ts')) continue
    const file = posix.join('test', path.replaceAll('\\', '/'))
    const text = readFileSync(join(root, file), 'utf8').replace(
      /(\bfrom |\bimport\()'(\.[^']*)'/g,
      (_match, before: string, specifier: string) => {
        const target = posix.join(posix.dirname(file), specifier)
        const name = ENTRY_POINTS[target]
        if (name === undefined) {
          throw new Error(`${file} imports ${target}: type tests import the package's entry points only`)
        }
        return `${before}'${name}'`
      },
    )
    const copy = join(into, path)
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, text)
  }
}
