import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'ts59'
import { filesBelow, root } from './files.ts'

export interface Import {
  readonly specifier: string
  /** Node loads `static` imports with the file and `dynamic` ones when the code runs; `type` imports never. */
  readonly kind: 'static' | 'dynamic' | 'type'
}

/** The texts of src by their paths in it, with `/`. */
export function sourceFiles(): Record<string, string> {
  const paths = filesBelow('src', '.ts')
  return Object.fromEntries(
    paths.map((path) => [path.slice('src/'.length), readFileSync(join(root, path), 'utf8')]),
  )
}

/** The path in src of the file that a relative import leads to. */
export function targetOf(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier)
}

export function parsed(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

/** The imports of a file, with re-exports and `import('…')` types. */
export function importsOf(source: ts.SourceFile): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Node | undefined, kind: Import['kind']): void => {
    if (node !== undefined && ts.isStringLiteralLike(node)) imports.push({ specifier: node.text, kind })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.isTypeOnly === true ? 'type' : 'static')
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, 'type')
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], 'dynamic')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return imports
}
