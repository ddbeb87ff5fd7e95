import ts from 'ts59'
import { importsOf, parsed, targetOf } from './imports.ts'

/** The folders of src/. Each imports only itself and the folders before it. */
const LAYERS = [
  'shared',
  'ports',
  'spec',
  'bundle',
  'process',
  'persistence',
  'client',
  'communication',
  'engine',
]

/** Folders that no other folder imports. `testing` may import all of src, and `cli` what users import. */
const OUTERMOST = ['cli', 'testing']

/** The entry points of the package. `cli` imports nothing else of src, so a user's own tool can do what it does. */
const PUBLIC_ENTRIES: ReadonlySet<string> = new Set([
  'index.ts',
  'persistence/sqlite/index.ts',
  'persistence/postgres/index.ts',
  'communication/rabbitmq/index.ts',
  'testing/index.ts',
])

/** Functions for texts of any kind, which are no concern of the API and which `cli` shares. */
const SHARED_WITH_CLI: ReadonlySet<string> = new Set([
  'shared/nearest.ts',
  'shared/store-url.ts',
  'shared/terminal-text.ts',
])

/**
 * The folders inside a folder of src/. Each imports only itself and the folders before it. Folders in
 * one list of several do not import each other. Files directly in the outer folder may import all of its
 * folders, and no inner folder imports such a file.
 */
const INSIDE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  process: [
    ['state'],
    ['host'],
    ['actor'],
    ['definition'],
    ['step'],
    ['references'],
    ['handle'],
    ['group'],
    ['memory'],
    ['runner'],
  ],
  persistence: [['contract'], ['rules'], ['memory', 'sqlite', 'postgres']],
  communication: [['contract'], ['rabbitmq']],
  client: [['write'], ['read'], ['launch'], ['handle'], ['group']],
  cli: [['input'], ['render'], ['read'], ['commands']],
}

/** Packages that belong to one place each. */
const OWNERS: Readonly<Record<string, string>> = {
  ajv: 'ports/',
  'ajv-formats': 'ports/',
  xstate: 'process/state/machine.ts',
  'better-sqlite3': 'persistence/sqlite/',
  pg: 'persistence/postgres/',
  amqplib: 'communication/rabbitmq/',
  yaml: 'communication/rabbitmq/',
  'log-update': 'process/group/wait-interactive.ts',
}

/** The parts of `process` and `console` that write to the standard output or end the program. */
const PROGRAM_ONLY: Readonly<Record<string, readonly string[]>> = {
  process: ['stdout', 'exit'],
  console: ['log', 'info', 'debug', 'table', 'dir'],
}

/** Returns the problems of the layering, a sentence each. `files` has the texts of src/ by their paths in it. */
export function layerProblems(files: Readonly<Record<string, string>>): string[] {
  const problems: string[] = []
  const statics = new Map<string, string[]>()
  for (const [file, text] of Object.entries(files)) {
    const source = parsed(file, text)
    const imports = importsOf(source)
    for (const { specifier } of imports) {
      const problem = specifier.startsWith('.')
        ? relativeProblem(file, targetOf(file, specifier))
        : packageProblem(file, specifier)
      if (problem !== undefined) problems.push(`${file}: ${problem}`)
    }
    statics.set(
      file,
      imports
        .filter(({ specifier, kind }) => kind === 'static' && specifier.startsWith('.'))
        .map(({ specifier }) => targetOf(file, specifier)),
    )
    if (folderOf(file) !== 'cli') {
      for (const name of programOnlyNames(source)) {
        problems.push(`${file}: uses ${name}, which only cli may`)
      }
    }
  }
  const chain = wayToNative('index.ts', statics)
  if (chain !== undefined) problems.push(`loading index.ts loads persistence/sqlite: ${chain.join(' -> ')}`)
  return problems
}

function relativeProblem(file: string, target: string): string | undefined {
  const from = folderOf(file)
  const to = folderOf(target)
  if (target.startsWith('..')) return `imports ${target}, outside src`
  if (from === to) return insideProblem(from, file, target)
  if (from === 'cli') {
    if (PUBLIC_ENTRIES.has(target) || SHARED_WITH_CLI.has(target)) return undefined
    return `imports ${target}, but cli imports only what users of the package import`
  }
  if (from === '' || OUTERMOST.includes(from)) return undefined
  if (to === '') return `imports ${target}, which only users of the package import`
  if (!LAYERS.includes(from)) return `${from} has no place among the layers`
  if (!LAYERS.slice(0, LAYERS.indexOf(from)).includes(to)) {
    return `imports ${target}, but ${from} does not import ${to}`
  }
  return undefined
}

/** The problem of an import within one folder of src/. */
function insideProblem(folder: string, file: string, target: string): string | undefined {
  const order = INSIDE[folder] ?? []
  const from = innerFolderOf(file)
  const to = innerFolderOf(target)
  if (from === undefined || from === to) return undefined
  const place = order.findIndex((group) => group.includes(from))
  if (place === -1) return `${folder}/${from} has no place among the layers`
  if (to !== undefined && order.slice(0, place).some((group) => group.includes(to))) return undefined
  return to === undefined
    ? `imports ${target}, but ${folder}/${from} imports no file directly in ${folder}`
    : `imports ${target}, but ${folder}/${from} does not import ${folder}/${to}`
}

function packageProblem(file: string, specifier: string): string | undefined {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const owner = OWNERS[name]
  if (owner !== undefined && !file.startsWith(owner)) return `imports ${name}, which only ${owner} may`
  if (folderOf(file) === 'client' && specifier.startsWith('node:')) {
    return `imports ${specifier}, but client uses nothing of Node`
  }
  return undefined
}

function folderOf(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : ''
}

function innerFolderOf(file: string): string | undefined {
  const [, inner, ...rest] = file.split('/')
  return rest.length > 0 ? inner : undefined
}

/** `process.exit` and the like, also by `import { exit } from 'node:process'`. */
function programOnlyNames(source: ts.SourceFile): string[] {
  const names: string[] = []
  const add = (object: string, member: string): void => {
    if (Object.hasOwn(PROGRAM_ONLY, object) && PROGRAM_ONLY[object]?.includes(member) === true) {
      names.push(`${object}.${member}`)
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      add(node.expression.text, node.name.text)
    } else if (ts.isImportSpecifier(node)) {
      const { moduleSpecifier } = node.parent.parent.parent
      if (ts.isStringLiteral(moduleSpecifier)) {
        add(moduleSpecifier.text.replace(/^node:/, ''), (node.propertyName ?? node.name).text)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return names
}

/** The chain of imports by which loading `file` loads the native module, or undefined if there is none. */
function wayToNative(file: string, statics: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const seen = new Set<string>()
  const look = (at: string): string[] | undefined => {
    if (at.startsWith('persistence/sqlite/')) return [at]
    if (seen.has(at)) return undefined
    seen.add(at)
    for (const next of statics.get(at) ?? []) {
      const way = look(next)
      if (way !== undefined) return [at, ...way]
    }
    return undefined
  }
  return look(file)
}
