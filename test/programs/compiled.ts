import { join } from 'node:path'

/** The variable of the environment that says where the compiled programs are. */
export const COMPILED = 'DAMSON_COMPILED'

/** The JavaScript of a file of the project that tests run as a program: one of the folders in `tsconfig.json` beside this. */
export function compiled(file: string): string {
  const folder = process.env[COMPILED]
  if (folder === undefined) throw new Error('the programs are not compiled; run the tests by vitest')
  return join(folder, file.replace(/\.ts$/, '.js'))
}
