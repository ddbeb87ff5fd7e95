import { mkdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
  project.write('lib/twice.mjs', 'export const twice = (n) => 2 * n')
  project.write('lib/twice.cjs', 'exports.twice = (n) => 2 * n')
})
afterAll(() => project[Symbol.asyncDispose]())

describe('a module of the user', () => {
  it.each(['two.mjs', 'two.cjs'])('may be %s; its damson is the one that runs it', async (file) => {
    const { stdout, stderr } = await project.damson(['run', file])
    expect({ stdout, stderr }).toEqual({
      stdout: '{ two: 2, current: true, file: true }\n',
      stderr: expect.stringMatching(/^Two \S+ runs in/),
    })
  })

  it('may be TypeScript with an enum and parameter properties, and needs no tsconfig.json', async () => {
    expect((await project.damson(['run', './add.mts', '-i', '{"a": 1}'])).stdout).toBe('{ sum: 2 }\n')
  })

  it('may import others, by the name that they have once compiled, and launch their classes', async () => {
    expect((await project.damson(['run', 'parent.ts', 'Parent'])).stdout).toBe('child\n')
  })

  it('may be given by an absolute path, and have a default export', async () => {
    expect((await project.damson(['run', `${project.folder}/default.ts`])).stdout).toBe('child\n')
  })

  it('is loaded once where a worker is given two that share it', async () => {
    const worker = project.start(['worker', 'parent.ts', 'child.ts'])
    await worker.says('ready: runs Child, Parent')
    worker.signal('SIGINT')
    expect((await worker.ended).code).toBe(0)
  })
})
