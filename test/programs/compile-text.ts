import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { transformSync } from 'esbuild'
import { compiled } from './compiled.ts'

/** Compiles a program of a page, where its imports of `damson` find what was compiled; the path of its JavaScript. */
export function compileText(text: string, name: string): string {
  const to = compiled(`page-${basename(name)}`)
  const { code } = transformSync(text, { loader: 'ts', format: 'esm', target: 'node20', sourcefile: name })
  writeFileSync(to, code)
  return to
}
