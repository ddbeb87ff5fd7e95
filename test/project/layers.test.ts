import { describe, expect, it } from 'vitest'
import { sourceFiles } from './imports.ts'
import { layerProblems } from './layers.ts'

describe('the layers of src', () => {
  it('are kept by every file', () => {
    const files = sourceFiles()
    expect(Object.keys(files)).toContain('index.ts')
    expect(layerProblems(files)).toEqual([])
  })
})

describe('the check of the layers', () => {
  it('lets a folder import itself and the folders before it, testing all, and cli what users import', () => {
    expect(
      layerProblems({
        'index.ts': `export { Engine } from './engine/engine.ts'\nexport type { S } from './persistence/sqlite/store.ts'`,
        'ports/port.ts': `import { Ajv } from 'ajv'\nimport formats from 'ajv-formats'\nimport { a } from '../shared/errors.ts'`,
        'process/state/machine.ts': `import { setup } from 'xstate'\nimport { a } from './states.ts'`,
        'persistence/sqlite/store.ts': `import Database from 'better-sqlite3'\nimport type { Store } from '../contract/store.ts'`,
        'engine/engine.ts': `import { a } from '../client/client.ts'\nconst s = await import('../persistence/sqlite/store.ts')`,
        'cli/main.ts': `import { e } from '../index.ts'\nconsole.log('done')\nprocess.exit(0)`,
        'testing/clock.ts': `import { e } from '../engine/engine.ts'\nimport { m } from '../index.ts'`,
      }),
    ).toEqual([])
  })

  it.each([
    [
      'a later folder',
      'process/host.ts',
      `import { S } from '../persistence/store.ts'`,
      'process does not import persistence',
    ],
    [
      'a type of a later folder',
      'bundle/bundle.ts',
      `import type { P } from '../process/process.ts'`,
      'bundle does not import process',
    ],
    [
      'an inline type',
      'shared/ids.ts',
      `import { type P } from '../ports/port.ts'`,
      'shared does not import ports',
    ],
    [
      'an import type',
      'ports/port.ts',
      `export type A = import('../spec/spec.ts').Spec`,
      'ports does not import spec',
    ],
    [
      'a re-export',
      'client/index.ts',
      `export * from '../engine/engine.ts'`,
      'client does not import engine',
    ],
    [
      'a dynamic import',
      'spec/spec.ts',
      `const m = await import('../process/process.ts')`,
      'spec does not import process',
    ],
    [
      'an import for its effect',
      'engine/engine.ts',
      `import '../testing/clock.ts'`,
      'engine does not import testing',
    ],
    [
      'the command line',
      'engine/engine.ts',
      `import { main } from '../cli/main.ts'`,
      'engine does not import cli',
    ],
    [
      'the entry point',
      'engine/engine.ts',
      `import { Engine } from '../index.ts'`,
      'only users of the package',
    ],
    ['a file outside src', 'shared/ids.ts', `import { a } from '../../test/a.ts'`, 'outside src'],
    [
      'an unknown folder',
      'helpers/text.ts',
      `import { a } from '../shared/ids.ts'`,
      'no place among the layers',
    ],
    [
      'another back end',
      'persistence/memory/store.ts',
      `import { S } from '../sqlite/store.ts'`,
      'persistence/memory does not import persistence/sqlite',
    ],
    [
      'the other back end',
      'persistence/sqlite/store.ts',
      `import type { M } from '../memory/store.ts'`,
      'persistence/sqlite does not import persistence/memory',
    ],
    ['ajv', 'spec/spec.ts', `import { Ajv } from 'ajv/dist/2020.js'`, 'only ports/ may'],
    [
      'xstate',
      'process/states.ts',
      `import type { AnyState } from 'xstate'`,
      'only process/state/machine.ts may',
    ],
    [
      'better-sqlite3',
      'persistence/store.ts',
      `import type { Database } from 'better-sqlite3'`,
      'only persistence/sqlite/ may',
    ],
    ['Node, in the client', 'client/client.ts', `import { join } from 'node:path'`, 'nothing of Node'],
    ['console.log', 'engine/engine.ts', `console.log('running')`, 'uses console.log'],
    ['process.stdout', 'testing/clock.ts', `process.stdout.write('tick')`, 'uses process.stdout'],
    ['process.exit', 'engine/engine.ts', `process.exit(1)`, 'uses process.exit'],
    [
      'an imported exit',
      'engine/engine.ts',
      `import { exit as leave } from 'node:process'`,
      'uses process.exit',
    ],
    [
      'a later folder within a folder',
      'process/step/effect.ts',
      `import type { R } from '../runner/process-runner.ts'`,
      'process/step does not import process/runner',
    ],
    [
      'a file of the outer folder',
      'client/read/summary.ts',
      `import { Client } from '../client.ts'`,
      'client/read imports no file directly in client',
    ],
    [
      'an import of the command line that users do not have',
      'cli/commands/list.ts',
      `import type { ProcessRow } from '../../persistence/contract/rows.ts'`,
      'cli imports only what users of the package import',
    ],
    [
      'an unknown folder within a folder',
      'cli/helpers/text.ts',
      `import { a } from '../input/options.ts'`,
      'cli/helpers has no place among the layers',
    ],
  ])('notices %s', (_what, file, text, problem) => {
    expect(layerProblems({ [file]: text })).toEqual([expect.stringContaining(problem)])
  })

  it('lets files of a folder import its inner folders, and these the ones before them', () => {
    const files = {
      'process/process.ts': `import { R } from './runner/process-runner.ts'`,
      'process/runner/process-runner.ts': `import { S } from '../state/state-data.ts'`,
      'persistence/sqlite/store.ts': `import { rule } from '../rules/apply.ts'`,
      'engine/engine.ts': `import { R } from '../process/runner/process-runner.ts'`,
    }
    expect(layerProblems(files)).toEqual([])
  })

  it('notices a way from the entry point to the native module, however long', () => {
    const problems = layerProblems({
      'index.ts': `export { Engine } from './engine/engine.ts'`,
      'engine/engine.ts': `import { open } from './open.ts'`,
      'engine/open.ts': `import { SqliteStore } from '../persistence/sqlite/store.ts'`,
    })
    expect(problems).toEqual([
      'loading index.ts loads persistence/sqlite: index.ts -> engine/engine.ts -> engine/open.ts -> persistence/sqlite/store.ts',
    ])
  })
})
