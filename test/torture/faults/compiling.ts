import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'ts59'
import type { Break } from '../../breaks/breaks.ts'
import { brokenSource } from '../../breaks/broken-source.ts'
import { compile } from '../../programs/compile.ts'
import { root } from '../../project/files.ts'

/** The compiled programs of the load, for as many runs as one likes. */
export interface Compiled {
  /** The JavaScript of a file of the project. */
  file(path: string): string
  remove(): void
}

/** Compiles the load and the sources, if asked with a deliberate break in one of them. */
export function compileLoad(fault?: Break): Compiled {
  const { folder, remove } = compile()
  const file = (path: string): string => join(folder, path.replace(/\.ts$/, '.js'))
  if (fault !== undefined) {
    const { outputText } = ts.transpileModule(
      brokenSource(readFileSync(join(root, fault.file), 'utf8'), fault),
      {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2022,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      },
    )
    writeFileSync(file(fault.file), outputText)
  }
  return { file, remove }
}
