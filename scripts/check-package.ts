/**
 * Looks at the package as its users get it: packs it, unpacks it as a dependency of a small program in a folder of
 * its own, and runs and compiles that program (test/package/consumer). Needs no network and no second compilation
 * of better-sqlite3: what the package depends on is linked from here, and nothing else is.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { compilers, node, root, run, tool } from './run.ts'

/** Expects that dist/ has been built. Throws where something is wrong. */
export function checkPackage(): void {
  const folder = mkdtempSync(join(tmpdir(), 'damson-package-'))
  try {
    const tarball = pack(folder)
    run(tool('publint'), ['run', '--strict', tarball])
    run(tool('attw'), [tarball, '--profile', 'esm-only'])

    const consumer = join(folder, 'consumer')
    cpSync(join(root, 'test/package/consumer'), consumer, { recursive: true })
    install(tarball, consumer)

    node(['no-native.mjs'], consumer)
    // The oldest compiler last: what it emits is what runs.
    node([compilers.newest, '--project', '.'], consumer)
    node([compilers.oldest, '--project', '.'], consumer)
    node(['out/consumer.js'], consumer)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function pack(into: string): string {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', into]
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' })) as [
    { filename: string },
  ]
  return join(into, packed.filename)
}

function install(tarball: string, consumer: string): void {
  const modules = join(consumer, 'node_modules')
  const installed = join(modules, 'damson')
  mkdirSync(installed, { recursive: true })
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed])

  const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(modules, name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
}
