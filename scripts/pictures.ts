/** `npm run pictures`: redraws the pictures in the pages, which are Mermaid blocks that begin with their source. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { redrawn } from '../test/docs/pictures.ts'
import { filesBelow, root } from '../test/project/files.ts'

for (const page of filesBelow('.', '.md')) {
  const path = join(root, page)
  const text = readFileSync(path, 'utf8')
  const drawn = await redrawn(text)
  if (drawn === text) continue
  writeFileSync(path, drawn)
  console.log(`${page}: redrawn`)
}
