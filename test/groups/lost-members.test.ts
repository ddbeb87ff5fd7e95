import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { ProcessLost } from '../../src/index.ts'
import { overEachStore } from '../engine/over-stores.ts'
import { Add, Gated, gate } from '../engine/processes.ts'

overEachStore((over) => {
  it('a member that was pruned counts as lost, and the others are asked', async () => {
    const engine = await over().engine([Add, Gated])
    const ended = await engine.launch(Add, { a: 1 })
    await ended.wait()
    const lost = ended.pid
    await engine.prune()
    const client = await over().client()
    const handle = await engine.launch(Gated, { gate: 'left' })
    await gate('left').reached
    const group = client.group([lost, handle.pid])
    await group.refresh()
    expect(group.statuses).toMatchObject([{ reason: 'lost' }, { label: 'running' }])
    expect(group.progress).toEqual({
      completed: 1,
      total: 2,
      fraction: 0.5,
      lost: 1,
      byState: { created: 0, running: 1, waiting: 0, finished: 0, excepted: 0, killed: 0 },
    })
    expect(inspect(group)).toContain('1 of 2 have ended (1 running, 1 lost)')
    const lines: string[] = []
    const out = { write: (line: string) => lines.push(line) }
    await group.waitInteractive({ out, returnWhen: 1 })
    expect(lines.at(-1)).toBe('1 of 2 ended (50 %): 1 running, 1 lost\n')
    expect(await group.isReady()).toBe(false)
    const [gone, there] = await group.metadata()
    expect(gone).toMatchObject({ pid: lost, error: expect.any(ProcessLost), worker: null, stdout: '' })
    expect(there).toMatchObject({ name: 'Gated', worker: engine.id })
    expect(await group.field('pid')).toEqual(group.pids)
    expect(group.elapsed()).toBeGreaterThanOrEqual(0)
    expect(await group.pause('later')).toEqual([false, true])
    expect(await group.play()).toEqual([false, true])
    expect(await group.abort()).toEqual({ aborted: [], running: [handle.pid], done: [lost] })
    const texts: string[] = []
    for await (const { text } of group.logs()) texts.push(text)
    expect(texts).toEqual([])
    let shown = ''
    const sink = { write: (text: string) => (shown += text) }
    await group.display({ stdout: sink, stderr: sink })
    expect(shown).toContain('ProcessLost')
    expect(await group.kill()).toEqual([false, true])
    await expect(group.result()).rejects.toThrow(ProcessLost)
    await expect(client.handle(lost).display({ stdout: sink, stderr: sink })).rejects.toThrow(ProcessLost)
  })

  it('the error for a wrong option of a wait names the options that there are', async () => {
    const client = await over().client()
    const group = client.group([])
    const wrong = { until: 1 } as object
    await expect(group.wait(wrong)).rejects.toThrow(
      'group.wait: unknown option "until"; there are timeout, signal, returnWhen',
    )
    await expect(client.handle('p').wait(wrong)).rejects.toThrow(
      'a wait: unknown option "until"; there are timeout, signal',
    )
    await expect(client.handle('p').result(wrong)).rejects.toThrow(
      'result: unknown option "until"; there are timeout, signal, raiseOnFailure',
    )
  })
})
