import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from './files.ts'
import { folderPicture } from './folders.ts'

describe('the picture of the folders', () => {
  it('has an arrow for each import, types included, that does not follow from others', () => {
    const picture = folderPicture({
      'index.ts': `export { Engine } from './engine/engine.ts'`,
      'shared/ids.ts': `export const id = 1`,
      'ports/port.ts': `import { id } from '../shared/ids.ts'`,
      'engine/engine.ts': `import { id } from '../shared/ids.ts'\nimport type { Port } from '../ports/port.ts'`,
    })
    expect(picture.split('\n')).toEqual([
      'flowchart TD',
      '  engine_["engine"]',
      '  index_ts_["index.ts"]',
      '  ports_["ports"]',
      '  shared_["shared"]',
      '  engine_ --> ports_',
      '  index_ts_ --> engine_',
      '  ports_ --> shared_',
    ])
  })

  it('frames the folders inside a folder, and dots imports that run when they are needed', () => {
    const picture = folderPicture({
      'persistence/open-store.ts': `const sqlite = await import('./sqlite/store.ts')`,
      'persistence/sqlite/store.ts': `import type { Store } from '../contract/store.ts'`,
      'persistence/contract/store.ts': `export interface Store {}`,
    })
    expect(picture.split('\n')).toEqual([
      'flowchart TD',
      '  subgraph persistence',
      '    persistence_["persistence/*.ts"]',
      '    persistence_contract["persistence/contract"]',
      '    persistence_sqlite["persistence/sqlite"]',
      '  end',
      '  persistence_ -.-> persistence_sqlite',
      '  persistence_sqlite --> persistence_contract',
    ])
  })
})

describe('ARCHITECTURE.md', () => {
  it('names only files and folders that exist', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    const paths = Array.from(page.matchAll(/`([a-z][\w.-]*\/[\w./-]*(?:\.c?ts|\/))`/g), ([, path]) =>
      String(path),
    )
    expect(paths.length).toBeGreaterThan(50)
    const missing = paths.filter((path) => ![`src/${path}`, path].some((at) => existsSync(join(root, at))))
    expect(missing).toEqual([])
  })

  it('defines each word of its glossary once', () => {
    const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    const glossary = page.slice(page.indexOf('## Glossary'), page.indexOf('## Contracts'))
    const words = Array.from(glossary.matchAll(/^\| (\S[^|]*?) +\|/gm), ([, word]) => String(word)).slice(2)
    expect(words.length).toBeGreaterThan(40)
    expect(words).toEqual([...new Set(words)])
  })
})
