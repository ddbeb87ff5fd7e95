import { join } from 'node:path'
import { pictureOf } from '../../src/cli/graph.ts'
import { root } from '../project/files.ts'

/**
 * A page with its pictures drawn anew: blocks of Mermaid whose first line says by which command they are drawn, as in
 * `%% damson graph examples/order/order.ts Order`.
 */
export async function redrawn(page: string): Promise<string> {
  let text = ''
  let at = 0
  for (const { index, 0: block, 1: indent = '', 2: args = '' } of page.matchAll(
    /^( *)```mermaid\n *%% damson graph (.*)\n[\s\S]*?^ *```$/gm,
  )) {
    const lines = ['```mermaid', `%% damson graph ${args}`, ...(await draw(args)).split('\n'), '```']
    text += page.slice(at, index) + lines.map((line) => indent + line).join('\n')
    at = index + block.length
  }
  return text + page.slice(at)
}

async function draw(args: string): Promise<string> {
  const [path, name] = args.trim().split(/\s+/)
  const picture =
    path === '--states'
      ? await pictureOf(undefined, undefined, { states: true })
      : await pictureOf(path === undefined ? path : join(root, path), name, {})
  return picture.mermaid
}
