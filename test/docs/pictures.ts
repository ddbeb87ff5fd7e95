import { join } from 'node:path'
import { pictureOf } from '../../src/cli/commands/graph.ts'
import { root } from '../project/files.ts'
import { folderPicture } from '../project/folders.ts'

/**
 * Returns a page with its pictures redrawn. The first line of such a Mermaid block names its source:
 * `%% damson graph examples/order/order.ts Order`, or `%% folders of src`.
 */
export async function redrawn(page: string): Promise<string> {
  let text = ''
  let at = 0
  for (const { index, 0: block, 1: indent = '', 2: source = '' } of page.matchAll(
    /^( *)```mermaid\n *%% (damson graph .*|folders of src)\n[\s\S]*?^ *```$/gm,
  )) {
    const lines = ['```mermaid', `%% ${source}`, ...(await draw(source)).split('\n'), '```']
    text += page.slice(at, index) + lines.map((line) => indent + line).join('\n')
    at = index + block.length
  }
  return text + page.slice(at)
}

async function draw(source: string): Promise<string> {
  if (source === 'folders of src') return folderPicture()
  const [path, name] = source.slice('damson graph '.length).trim().split(/\s+/)
  const picture =
    path === '--states'
      ? await pictureOf(undefined, undefined, { states: true })
      : await pictureOf(path === undefined ? path : join(root, path), name, {})
  return picture.mermaid
}
