import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { damson } from './in-process.ts'
import { SEVERAL } from './modules.ts'
import { Project } from './project.ts'

const CHAIN = `
import { while_, WorkChain, type WorkChainSpec } from 'damson'

export class Chain extends WorkChain<typeof Chain> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.outline(while_(Chain.prototype.more)(Chain.prototype.go))
  }
  more() {
    throw new Error('nothing of it is run')
  }
  go() {}
}
`

let project: Project
let chain: string
let several: string
beforeAll(async () => {
  project = new Project()
  chain = project.write('chain.ts', CHAIN)
  several = project.write('several.ts', SEVERAL)
  await using client = await Client.open({ store: project.store, create: true })
  await client.launch('Chain', {}, { pid: 'chain-1' })
  await client.launch('Hold', {}, { pid: 'hold-1' })
})
afterAll(() => project[Symbol.asyncDispose]())

describe('damson graph', () => {
  it('draws a class as Mermaid text, without running it', async () => {
    const { code, stdout } = await damson('graph', chain)
    expect(code).toBe(0)
    expect(stdout).toBe(`flowchart TD
  start(["Chain"])
  n1{{"while more"}}
  start --> n1
  n2["go"]
  n1 -->|yes| n2
  n2 --> n1
  finish(["finished"])
  n1 -->|no| finish
`)
  })

  it('marks where a process is, by its pid', async () => {
    const args = ['graph', chain, '--pid', 'chain', '--json', '--store', project.store]
    expect(JSON.parse((await damson(...args)).stdout)).toEqual({
      class: 'Chain',
      pid: 'chain-1',
      mermaid: expect.stringMatching(/note\["created"\]\n {2}start -\.- note\n.*\n {2}class start moving$/),
    })
  })

  it('draws the states of a process', async () => {
    expect((await damson('graph', '--states')).stdout).toMatch(/^stateDiagram-v2\n {2}\[\*\] --> created\n/)
  })

  it.each([
    [() => [], /say what to draw: the file of a module, or --states/],
    [() => [several], /several process classes; say which one: Fail, Hold/],
    [() => [several, 'Hodl'], /did you mean Hold\?/],
    [() => [several, '--states'], /give it alone/],
    [() => [several, 'Fail', '--pid', 'hold-1'], /process hold-1 is of class Hold, not Fail/],
    [() => [several, '--pid', 'chain-1'], /exports no process class Chain/],
    [() => [several, '--pid', 'other'], /no process other in this store/],
  ])('refuses %# with 2', async (args, message) => {
    const { code, stdout, stderr } = await damson('graph', ...args(), '--store', project.store)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

describe('damson tree', () => {
  it('refuses a pid that there is not with 2', async () => {
    const { code, stderr } = await damson('tree', 'other', '--store', project.store)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('no process other') })
  })
})
