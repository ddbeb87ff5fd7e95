// @module-tag more
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { filesBelow, root } from '../project/files.ts'
import { redrawn } from './pictures.ts'

describe('the pictures in the pages', () => {
  it('match the code; npm run pictures redraws them', async () => {
    for (const page of filesBelow('.', '.md')) {
      const text = readFileSync(join(root, page), 'utf8')
      expect({ page, text: await redrawn(text) }).toEqual({ page, text })
    }
  })
})

describe('redrawing pictures', () => {
  it('draws a block that names its command, and leaves all else as it is', async () => {
    const page = (states: string): string => `# Page

\`\`\`mermaid
flowchart TD
  a --> b
\`\`\`

1. The states:

   \`\`\`mermaid
   %% damson graph --states
   ${states}
   \`\`\`

More text.
`
    const drawn = await redrawn(page('stateDiagram-v2\n     created --> gone'))
    expect(drawn).toMatch(/ {3}%% damson graph --states\n {3}stateDiagram-v2\n {5}\[\*\] --> created\n/)
    expect(drawn).not.toContain('gone')
    expect(drawn).toMatch(/^# Page\n\n```mermaid\nflowchart TD\n {2}a --> b\n```\n\n1\. The states:\n/)
    expect(drawn).toMatch(/ {3}```\n\nMore text\.\n$/)
    expect(await redrawn(drawn)).toBe(drawn)
  })

  it('draws a class of an example', async () => {
    const page = '```mermaid\n%% damson graph examples/order/order.ts Order\n```\n'
    expect(await redrawn(page)).toMatch(/\nflowchart TD\n {2}start\(\["Order"\]\)\n/)
  })
})
