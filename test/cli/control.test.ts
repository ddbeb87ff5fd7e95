import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { GATED } from './modules.ts'
import { Project } from './project.ts'

let project: Project
beforeEach(() => {
  project = new Project({ 'gated.ts': GATED })
})
afterEach(() => project[Symbol.asyncDispose]())

async function launch(name: 'Hold' | 'Gated'): Promise<string> {
  await using client = await Client.open({ store: project.store, create: true })
  return (await client.launch(name)).pid
}

interface Controlled {
  readonly processes: readonly { readonly pid: string; readonly state: string; readonly done: boolean }[]
}

describe('with no worker running', () => {
  it('pauses, plays and kills', async () => {
    const pid = await launch('Hold')
    expect(await project.damson(['pause', pid, '-m', 'lunch'])).toMatchObject({
      code: 0,
      stdout: `${pid} created, paused\n`,
    })
    expect(await project.json('show', pid)).toMatchObject({ paused: { message: 'lunch' } })
    expect((await project.damson(['play', pid])).stdout).toBe(`${pid} created\n`)
    expect((await project.damson(['kill', pid, '-m', 'enough'])).stdout).toBe(`${pid} killed\n`)
    expect(await project.json('show', pid)).toMatchObject({ state: 'killed', message: 'enough' })
  })

  it('exits with 1 for a process that has ended', async () => {
    const pid = await launch('Hold')
    await project.damson(['kill', pid])
    const { code, stderr, stdout } = await project.damson(['pause', pid])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('it has ended already, so there is nothing to pause')
  })

  it('asks all, or those that a filter lets through', async () => {
    const held = await launch('Hold')
    const gated = await launch('Gated')
    expect(await project.json('pause', '--all', '--class', 'Hold')).toEqual({ asked: 1 })
    expect(await project.json('show', held)).toMatchObject({ paused: { message: null } })
    expect(await project.json('show', gated)).toMatchObject({ paused: null })
    expect(await project.json('kill', '--all', '--state', 'paused', '--yes')).toEqual({ asked: 1 })
    expect((await project.damson(['play', '--all'])).stdout).toBe('0 played\n')
    expect(await project.json('show', held)).toMatchObject({ state: 'killed' })
  })
})

describe('a process that a worker runs', () => {
  it('is paused when its step ends, and goes on when it is played', async () => {
    const pid = await launch('Gated')
    const worker = project.start(['worker', 'gated.ts'])
    await worker.says('in step first')

    const early = await project.damson(['pause', pid])
    expect(early).toMatchObject({ code: 0, stdout: `${pid} running: asked to pause\n` })
    expect((await project.damson(['list', '--state', 'pausing'])).stdout).toMatch(/Gated +running, pausing /)
    const pause = project.start(['pause', pid, '--wait', '--json'])
    project.write('first', '')
    const paused = await pause.ended
    expect(paused.code).toBe(0)
    expect(JSON.parse(paused.stdout)).toMatchObject({ processes: [{ pid, paused: true, done: true }] })

    project.write('second', '')
    expect((await project.damson(['play', pid, '--wait'])).code).toBe(0)
    await using client = await Client.open({ store: project.store, create: true })
    expect(await client.handle(pid).wait()).toMatchObject({ label: 'finished', successful: true })
    worker.signal('SIGTERM')
    expect((await worker.ended).code).toBe(0)
  })

  it('is killed at once with --force, also in the middle of a step', async () => {
    const pid = await launch('Gated')
    const worker = project.start(['worker', 'gated.ts'])
    await worker.says('in step first')
    const asked = await project.damson(['kill', '--no-wait', pid])
    expect(asked).toMatchObject({ code: 0, stdout: `${pid} running, killing: asked to kill\n` })
    expect((await project.damson(['list', '--state', 'killing'])).stdout).toMatch(/Gated +running, killing /)
    const { processes } = await project.json<Controlled>('kill', '--force', pid, '-m', 'enough')
    expect(processes).toEqual([{ pid, state: 'killed', paused: false, done: true }])
  })

  it('exits with 1 when what is waited for has not happened in time, and it holds all the same', async () => {
    const pid = await launch('Gated')
    const worker = project.start(['worker', 'gated.ts'])
    await worker.says('in step first')
    const { code, stderr } = await project.damson(['pause', pid, '--wait', '--timeout', '1ms'])
    expect(code).toBe(1)
    expect(stderr).toContain('which will still take effect')
    project.write('first', '')
    expect((await project.damson(['pause', pid, '--wait'])).stdout).toBe(`${pid} running, paused\n`)
  })
})
