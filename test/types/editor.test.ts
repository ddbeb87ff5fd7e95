import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'ts59'
import { describe, expect, test } from 'vitest'
import { extent, HAS_MORE } from '../run/extent.ts'

/*
 * What an editor shows to someone who uses the package, and what the types cost the compiler. These
 * take a compiler, so `npm run check` runs them and `npm test` does not.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const ENTRIES = [
  'src/index.ts',
  'src/persistence/sqlite/index.ts',
  'src/persistence/postgres/index.ts',
  'src/communication/rabbitmq/index.ts',
  'src/testing/index.ts',
]
const PROGRAM = `${root}test/types/budget.test-d.ts`
/** A file that exists only here; `|` in its text is the cursor. */
const OPEN = `${root}test/types/open-in-an-editor.ts`

/**
 * The most type instantiations for the program. Measured with TypeScript 5.9: 62,500.
 * The number depends on the types alone, not on the machine. If a change needs more, look for what costs
 * so much before the budget is raised.
 */
const BUDGET = 75_000

function isPublic(member: ts.Symbol): boolean {
  // The compiler keeps private names with a prefix of its own.
  return !ts.symbolName(member).startsWith('#')
}

class Editor {
  #text = ''
  #version = 0
  readonly service: ts.LanguageService

  constructor() {
    const { config } = ts.readConfigFile(`${root}tsconfig.json`, (file) => ts.sys.readFile(file))
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    this.service = ts.createLanguageService({
      getCompilationSettings: () => options,
      getScriptFileNames: () => [...ENTRIES.map((entry) => root + entry), PROGRAM, OPEN],
      getScriptVersion: (file) => (file === OPEN ? String(this.#version) : '1'),
      getScriptSnapshot: (file) => {
        const text = file === OPEN ? this.#text : ts.sys.readFile(file)
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
      fileExists: (file) => file === OPEN || ts.sys.fileExists(file),
      readFile: (file) => ts.sys.readFile(file),
      directoryExists: (folder) => ts.sys.directoryExists(folder),
      getDirectories: (folder) => ts.sys.getDirectories(folder),
    })
  }

  get program(): ts.Program {
    return this.service.getProgram() as ts.Program
  }

  /** The names that are offered at the cursor, in the order in which an editor lists them. */
  completionsAt(text: string): string[] {
    const position = this.#open(text)
    const { entries = [] } = this.service.getCompletionsAtPosition(OPEN, position, {}) ?? {}
    return entries
      .toSorted((a, b) => (a.sortText < b.sortText ? -1 : a.sortText > b.sortText ? 1 : 0))
      .map(({ name }) => name)
  }

  /** What is shown when the mouse is over the text after the cursor. */
  hoverAt(text: string): string {
    const info = this.service.getQuickInfoAtPosition(OPEN, this.#open(text))
    return ts.displayPartsToString(info?.displayParts)
  }

  #open(text: string): number {
    this.#version += 1
    this.#text = text.replace('|', '')
    return text.indexOf('|')
  }
}

describe.skipIf(extent === 'some')('in an editor', { ...HAS_MORE, timeout: 180_000 }, () => {
  let editor: Editor
  const opened = (): Editor => (editor ??= new Editor())
  const order = `
    import { Continue, type Engine, Process, type ProcessSpec, Wait } from 'damson'
    declare const engine: Engine
    class Order extends Process<typeof Order> {
      static override define(spec: ProcessSpec) {
        return spec
          .input('item', { schema: { type: 'string' } })
          .input('amount', { schema: { type: 'number' }, default: 1 })
          .input('options.gift', { schema: { type: 'boolean' }, required: false })
          .signal('paid', { schema: { type: 'number' } })
          .output('receipt', { schema: { type: 'string' } })
      }
      ship(by: string) { return by }`

  test.each([
    ['engine.launch(Order, { | })', ['amount', 'item', 'options']],
    ["engine.launch(Order, { item: 'x', | })", ['amount', 'options']],
    ['engine.execute(Order, { | })', ['amount', 'item', 'options']],
    ['new Order({ | })', ['amount', 'item', 'options']],
    ["engine.launch(Order, { item: 'x' }, { | })", ['abandon', 'after']],
  ])('completions in %s list the names of inputs or options first', (call, names) => {
    const offered = opened().completionsAt(`${order} }\n ${call}`)
    expect(offered.slice(0, names.length).toSorted()).toEqual(names)
  })

  test('completions in a step list inputs, outputs, signals and steps', () => {
    const within = (text: string): string[] =>
      opened().completionsAt(`${order} override async run() { ${text} } }`)
    expect(within('this.inputs.|')).toEqual(['amount', 'item', 'options'])
    expect(within("this.out('|')")).toEqual(['receipt'])
    expect(within("await this.receive('|')")).toEqual(['paid'])
    expect(within("return new Continue<Order>('|')")).toContain('ship')
  })

  test('a hover over a command shows what its step takes', () => {
    const shown = opened().hoverAt(`${order} override run() { return new |Continue(this.ship, 'van') } }`)
    expect(shown).toContain('by: string')
  })

  test('hovers describe every public member without the numbers of contracts', () => {
    const { program } = opened()
    const checker = program.getTypeChecker()
    const cited: string[] = []
    const look = (symbol: ts.Symbol, path: string): void => {
      const comment = ts.displayPartsToString(symbol.getDocumentationComment(checker))
      const tags = symbol.getJsDocTags(checker).map(({ text }) => ts.displayPartsToString(text))
      if (/\bC\d+\b/.test([comment, ...tags].join('\n'))) cited.push(path)
    }
    for (const entry of ENTRIES) {
      const source = program.getSourceFile(root + entry) as ts.SourceFile
      const module = checker.getSymbolAtLocation(source) as ts.Symbol
      for (const exported of checker.getExportsOfModule(module)) {
        const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
        look(symbol, exported.name)
        const types = [checker.getTypeOfSymbol(symbol), checker.getDeclaredTypeOfSymbol(symbol)]
        for (const type of types)
          for (const member of type.getProperties().filter(isPublic))
            look(member, `${exported.name}.${member.name}`)
      }
    }
    expect([...new Set(cited)]).toEqual([])
  })

  test('the types stay within their budget of instantiations', () => {
    const options = opened().service.getProgram()?.getCompilerOptions() as ts.CompilerOptions
    const program = ts.createProgram([PROGRAM], { ...options, skipLibCheck: true })
    const source = program.getSourceFile(PROGRAM) as ts.SourceFile
    const before = program.getInstantiationCount()
    const problems = program.getSemanticDiagnostics(source)
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    const count = program.getInstantiationCount() - before
    expect(count).toBeLessThan(BUDGET)
    expect(count).toBeGreaterThan(BUDGET / 2)
    expect(readFileSync(PROGRAM, 'utf8')).toContain('exposeInputs')
  })
})
