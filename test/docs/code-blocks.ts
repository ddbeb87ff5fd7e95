import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../project/files.ts'

/** A piece of TypeScript in a page. */
export interface CodeBlock {
  readonly page: string
  /** The line of the page that it begins on. */
  readonly line: number
  readonly code: string
}

/** The blocks of TypeScript in a page of the project. */
export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[1] ?? '',
  }))
}
