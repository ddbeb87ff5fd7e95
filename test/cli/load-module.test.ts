import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HAS_MORE, partOf, runsMore } from '../run/extent.ts'
import { ADD } from './modules.ts'
import { Project } from './project.ts'

const ESM = `
import { Process } from 'damson'
import { twice } from './lib/twice.mjs'
const two = await Promise.resolve(twice(1))
export class Two extends Process {
  run() {
    return { two, current: Process.current() === this, file: import.meta.url.endsWith('.mjs') }
  }
}
`
const COMMON_JS = `
const { Process } = require('damson')
const { twice } = require('./lib/twice.cjs')
module.exports.Two = class Two extends Process {
  run() {
    return { two: twice(1), current: Process.current() === this, file: __filename.endsWith('.cjs') }
  }
}
`
const CHILD = `
import { Process } from 'damson'
export class Child extends Process {
  run() { return 'child' }
}
`
const PARENT = `
import { Process } from 'damson'
import { Child } from './child.js'
export { Child }
export class Parent extends Process {
  async run() { return (await this.launch(Child)).result() }
}
`

/** What a copy of the package in the project of a user exports. */
const OTHER_COPY = `
export class Process { static processName = 'other' }
export class ProcessSpec {}
`
const ALIASED = `
import { Process } from 'damson'
import { twice } from '@lib/twice'
import { greeting } from './greeting.mjs'
function loud(step: (this: unknown) => string, { name }: ClassMethodDecoratorContext) {
  return function (this: unknown): string { return \`\${String(name)}: \${step.call(this).toUpperCase()}\` }
}
export class Aliased extends Process {
  accessor times = twice(1)
  /** @deprecated no decorator */
  @loud run() { return \`\${greeting(Process)} \${this.times}\` }
}
`
/** Its decorator stands between what looks like the ends of a comment. */
const PATTERN = `
import { Process } from 'damson'
const FILES = 'data/*.csv'
function loud(step: (this: unknown) => string, { name }: ClassMethodDecoratorContext) {
  return function (this: unknown): string { return \`\${String(name)}: \${step.call(this).toUpperCase()}\` }
}
export class Pattern extends Process {
  @loud run() { return FILES }
}
/** The end. */
`
const GREETING = `
import { Process } from 'damson'
const word = await Promise.resolve('hello')
export const greeting = (other) => (other === Process ? word : 'another copy')
`
const LEGACY = `
import { Process } from 'damson'
function loud(target: object, name: string, descriptor: PropertyDescriptor): PropertyDescriptor {
  const step = descriptor.value as () => string
  return { ...descriptor, value(this: unknown) { return \`\${name}: \${step.call(this).toUpperCase()}\` } }
}
export class Legacy extends Process {
  @loud run() { return 'hello' }
}
`

/** Returns what a decorator is given beside the method: the name of it, or an object. */
const SWITCHED = `
import { Process } from 'damson'
let given = 'nothing'
function mark(_method: unknown, about: unknown): void { given = typeof about }
export class Switched extends Process {
  @mark run() { return given }
}
`

let project: Project
beforeAll(() => {
  project = new Project({
    'two.mjs': ESM,
    'two.cjs': COMMON_JS,
    'add.mts': ADD,
    'child.ts': CHILD,
    'parent.ts': PARENT,
    'default.ts': CHILD.replace('export class', 'export default class'),
  })
  mkdirSync(`${project.folder}/lib`)
  for (const folder of ['aliased', 'legacy', 'switched'])
    mkdirSync(`${project.folder}/${folder}/lib`, { recursive: true })
  mkdirSync(`${project.folder}/aliased/node_modules/damson`, { recursive: true })
  mkdirSync(`${project.folder}/switched/node_modules`)
  const paths = { '@lib/*': ['./lib/*'] }
  for (const [name, text] of Object.entries({
    'aliased/node_modules/damson/package.json':
      '{ "name": "damson", "type": "module", "exports": { ".": { "import": "./index.js" } } }',
    'aliased/node_modules/damson/index.js': OTHER_COPY,
    'aliased/tsconfig.json': JSON.stringify({ compilerOptions: { paths } }),
    'aliased/lib/twice.ts': 'export const twice = (n: number): number => 2 * n',
    'aliased/aliased.ts': ALIASED,
    'aliased/pattern.ts': PATTERN,
    'aliased/greeting.mjs': GREETING,
    'aliased/two.mjs': ESM.replace('./lib/twice.mjs', '../lib/twice.mjs'),
    'legacy/tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true } }',
    'legacy/legacy.ts': LEGACY,
    'switched/switched.ts': SWITCHED,
  }))
    project.write(name, text)
  project.write('lib/twice.mjs', 'export const twice = (n) => 2 * n')
  project.write('lib/twice.cjs', 'exports.twice = (n) => 2 * n')
})
afterAll(() => project[Symbol.asyncDispose]())

describe('a module of the user', () => {
  const forms = partOf(['two.mjs', 'two.cjs'], (file) => file === 'two.mjs')
  it.each(forms)('may be %s; its damson is the one that runs it', HAS_MORE, async (file) => {
    const { stdout, stderr } = await project.start(['run', file]).ended
    expect({ stdout, stderr }).toEqual({
      stdout: '{ two: 2, current: true, file: true }\n',
      stderr: expect.stringMatching(/^Two \S+ runs in/),
    })
  })

  const ALIASES = [
    ['aliased/aliased.ts', 'run: HELLO 2'],
    ['aliased/pattern.ts', 'run: DATA/*.CSV'],
    ['aliased/two.mjs', '{ two: 2, current: true, file: true }'],
    ['legacy/legacy.ts', 'run: HELLO'],
  ] as const
  it.each(partOf(ALIASES, ([file]) => file === 'aliased/aliased.ts'))(
    'may have path aliases, decorators, and another copy of damson beside it: %s',
    HAS_MORE,
    async (file, result) => {
      const { stdout, stderr } = await project.start(['run', file]).ended
      expect({ stdout, stderr }).toEqual({ stdout: `${result}\n`, stderr: expect.stringMatching(/ runs in/) })
    },
  )

  it.runIf(runsMore)(
    'is compiled again once its tsconfig.json asks for other decorators',
    HAS_MORE,
    async () => {
      project.write('switched/tsconfig.json', '{}')
      expect((await project.start(['run', 'switched/switched.ts']).ended).stdout).toBe('object\n')
      project.write('switched/tsconfig.json', '{ "compilerOptions": { "experimentalDecorators": true } }')
      expect((await project.start(['run', 'switched/switched.ts']).ended).stdout).toBe('string\n')
    },
  )

  it.runIf(runsMore)(
    'may be TypeScript with an enum and parameter properties, and needs no tsconfig.json',
    HAS_MORE,
    async () => {
      expect((await project.damson(['run', './add.mts', '-i', '{"a": 1}'])).stdout).toBe('{ sum: 2 }\n')
    },
  )

  it('may import others, by the name that they have once compiled, and launch their classes', async () => {
    expect((await project.damson(['run', 'parent.ts', 'Parent'])).stdout).toBe('child\n')
  })

  it.runIf(runsMore)('may be given by an absolute path, and have a default export', HAS_MORE, async () => {
    expect((await project.damson(['run', `${project.folder}/default.ts`])).stdout).toBe('child\n')
  })

  it.runIf(runsMore)('is loaded once where a worker is given two that share it', HAS_MORE, async () => {
    const worker = project.start(['worker', 'parent.ts', 'child.ts'])
    await worker.says('ready: runs Child, Parent')
    worker.signal('SIGINT')
    expect((await worker.ended).code).toBe(0)
  })
})
