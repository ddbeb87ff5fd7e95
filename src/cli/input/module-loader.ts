import { existsSync, realpathSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Jiti } from 'jiti'
import * as damson from '../../index.ts'

/*
 * Loads the modules of a user: TypeScript and JavaScript, in the forms that a compiler would take.
 * Wherever such a module imports `damson`, it gets this copy of the package, so that its classes are
 * those that the command line runs.
 */

type Modules = Readonly<Record<string, object>>

let made: Promise<Jiti> | undefined

/**
 * Returns the loader of this program, made for its first module. The path aliases are those of the
 * `tsconfig.json` that is nearest to that module. A module that two others import is loaded once.
 */
export function moduleLoader(path: string): Promise<Jiti> {
  made ??= makeLoader(resolve(path))
  return made
}

async function makeLoader(path: string): Promise<Jiti> {
  // Lets stacks show the lines of a user's TypeScript.
  process.setSourceMapsEnabled(true)
  const [sqlite, { buildSync }, { createJiti }] = await Promise.all([
    import('../../persistence/sqlite/index.ts'),
    import('esbuild'),
    import('jiti'),
  ])
  const virtualModules: Modules = { damson, 'damson/sqlite': sqlite }
  if (hasOtherCopy(path)) takeOver(virtualModules)
  const id = pathToFileURL(path).href
  // Caches what it compiles by the source that it is given, which may depend on the `tsconfig.json`.
  const plain = createJiti(id, { sourceMaps: true, fsCache: cacheFolder(path) })
  return createJiti(id, {
    sourceMaps: true,
    fsCache: false,
    virtualModules,
    tsconfigPaths: true,
    // The loader itself knows only old decorators. This lowers those that the `tsconfig.json` asks for.
    transform: (given) => {
      const { filename, source } = given
      if (filename === undefined || !hasDecorators(source)) return { code: plain.transform(given) }
      const { outputFiles } = buildSync({
        entryPoints: [filename],
        write: false,
        format: 'esm',
        target: 'es2022',
        keepNames: true,
        sourcemap: 'inline',
        logLevel: 'silent',
      })
      return { code: plain.transform({ ...given, source: outputFiles[0]?.text ?? source, ts: false }) }
    },
  })
}

/**
 * Whether a source may have decorators. An `@` in a text or a comment may count as one, except a tag of JSDoc: which
 * parts of a source are comments is known only to a parser.
 */
function hasDecorators(source: string): boolean {
  return /(?:^|[\s;{}()])(?<!\*[ \t]*)@[\w$(]/.test(source)
}

/** The folder for compiled modules. Other programs that load them in another way keep theirs elsewhere. */
function cacheFolder(path: string): string {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    if (existsSync(modules)) return join(modules, '.cache', 'damson')
    // A user of a container may have a number alone, and no name.
    if (folder === dirname(folder)) return join(tmpdir(), `damson-modules-${process.getuid?.() ?? ''}`)
  }
}

/** Whether the module finds another copy of the package than this one. */
function hasOtherCopy(path: string): boolean {
  const own = fileURLToPath(new URL('../../', import.meta.url))
  try {
    return !realpathSync(createRequire(path).resolve('damson')).startsWith(own)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND'
  }
}

/** The name under which this program keeps its modules for the sources below. */
const KEPT = Symbol.for('damson.cli.modules')

/** Runs in a thread of its own, which resolves the imports of this program. */
const HOOKS = `
let sources
export async function initialize(given) { sources = given }
export async function resolve(name, context, next) {
  return Object.hasOwn(sources, name) ? { url: 'damson-cli:' + name, format: 'module', shortCircuit: true } : next(name, context)
}
export async function load(url, context, next) {
  return url.startsWith('damson-cli:')
    ? { format: 'module', source: sources[url.slice('damson-cli:'.length)], shortCircuit: true }
    : next(url, context)
}`

/** Has ES modules that Node itself loads, such as `.mjs` files, import these modules by their names. */
function takeOver(modules: Modules): void {
  Reflect.set(globalThis, KEPT, modules)
  const kept = `globalThis[Symbol.for(${JSON.stringify(KEPT.description)})]`
  const data = Object.entries(modules).map(([name, exported]) => {
    const names = Object.keys(exported).join(', ')
    return [name, `export const { ${names} } = ${kept}[${JSON.stringify(name)}]`]
  })
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { data: Object.fromEntries(data) as object })
}
