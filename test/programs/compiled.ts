import { join } from 'node:path'
import { BROKEN } from '../breaks/broken-program.ts'

/** The variable of the environment that says where the compiled programs are. */
export const COMPILED = 'DAMSON_COMPILED'
/** The folder in that one with the same programs as bundles, which start in half the time. */
export const BUNDLED = 'bundled'

/** The JavaScript of a file of the project that tests run as a program, or import: one of those in `compile.ts`. */
export function compiled(file: string): string {
  // A break takes the place of one file, which is none in a bundle.
  const isBroken = process.env[BROKEN] !== undefined
  return join(compiledFolder(), isBroken ? '' : BUNDLED, file.replace(/\.ts$/, '.js'))
}

/** The folder in which each file is compiled by itself, as in the package. */
export function compiledFolder(): string {
  const folder = process.env[COMPILED]
  if (folder === undefined) throw new Error('the programs are not compiled; run the tests by vitest')
  return folder
}
