import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { filesBelow, root } from './files.ts'
import { deadLinks, headingsOf, linksOf } from './links.ts'

describe('the pages of the project', () => {
  it('have no relative link that leads nowhere', () => {
    const dead = filesBelow('.', '.md').flatMap((file) =>
      deadLinks(root, file).map((link) => `${file}: ${link}`),
    )
    expect(dead).toEqual([])
  })
})

describe('the check of links', () => {
  it('notices a missing file and a missing heading, and leaves addresses alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-links-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'other.md'), '# What it is\n')
    writeFileSync(
      join(folder, 'page.md'),
      `# Page
[there](other.md), [its heading](./other.md#what-it-is), [here](#page), [an address](https://example.org/x)
[gone](gone.md), [no such heading](other.md#what-it-was), [nor here](#pages) and [named][name]

[name]: missing/file.ts
`,
    )
    expect(deadLinks(folder, 'page.md')).toEqual([
      'gone.md',
      'other.md#what-it-was',
      '#pages',
      'missing/file.ts',
    ])
  })

  it('sees images and titles, and no links in code', () => {
    const page =
      'A ![picture](a.png "its title") and `[code](b.md)`\n\n```md\n[more code](c.md)\n```\n\n[last](d.md)\n'
    expect(linksOf(page)).toEqual(['a.png', 'd.md'])
  })

  it('names headings as GitHub does', () => {
    expect([...headingsOf('# `npm run check`, in short\n\n## Twice\n\n## Twice\n')]).toEqual([
      'npm-run-check-in-short',
      'twice',
      'twice-1',
    ])
  })
})
