import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../project/files.ts'

/** A program or module in TypeScript in a page. */
export interface CodeBlock {
  readonly page: string
  /** The line of the page on which the code begins. */
  readonly line: number
  readonly code: string
  /** The name under which the reader of the page saves the code, if the first line is a comment with a name. */
  readonly file: string | undefined
  /** The output that the page shows right after the code, in a block of `text`. */
  readonly prints: string | undefined
}

const BLOCK = /^```ts\n([\s\S]*?)^```$(?:\n+```text\n([\s\S]*?)^```$)?/gm

/** The blocks of TypeScript in a page of the project, in order. */
export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(BLOCK)].map(({ index, 1: code = '', 2: prints }) => ({
    page,
    line: text.slice(0, index).split('\n').length + 1,
    code,
    file: /^\/\/ ([\w-]+\.ts)\n/.exec(code)?.[1],
    prints,
  }))
}
