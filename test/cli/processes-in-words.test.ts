import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { timeLine } from '../../src/cli/commands/history.ts'
import { processTable } from '../../src/cli/render/process-table.ts'
import { inWords } from '../../src/cli/render/process-facts.ts'
import { currentPosition } from '../../src/cli/render/current-position.ts'
import type { ProcessHandle } from '../../src/index.ts'
import { SimulatedClock, TestBench } from '../../src/testing/index.ts'
import { Family, Order, Relax, Word } from './processes.ts'
import { Project } from './project.ts'

/** In the time zone of the tests, because the output has local times. */
const NOON = new Date(2026, 0, 5, 12, 0, 0).getTime()

let project: Project
let bench: TestBench
beforeEach(async () => {
  project = new Project()
  bench = await TestBench.open({
    store: project.store,
    clock: new SimulatedClock({ start: NOON }),
    processes: [Family, Order, Relax, Word],
  })
})
afterEach(async () => {
  await bench.close()
  await project[Symbol.asyncDispose]()
})

async function list(): Promise<string[]> {
  const { processes } = await bench.client.list()
  return processTable(processes, bench.clock.now()).split('\n')
}

/** The rows that `show` prints, by their names. */
async function show(handle: ProcessHandle): Promise<Record<string, string>> {
  const text = inWords(await bench.client.inspect(handle.pid), bench.clock.now())
  return Object.fromEntries(text.split('\n').map((line) => line.split(/ {2,}/) as [string, string]))
}

/** The events of a history in words, without times. */
async function history(handle: ProcessHandle): Promise<string[]> {
  const lines = timeLine(await bench.client.history(handle.pid)).split('\n')
  return lines.slice(1).map((line) => (line.split(/ {2,}/)[line.includes('+') ? 3 : 2] ?? '').trim())
}

const where = async (handle: ProcessHandle) =>
  currentPosition(await bench.client.inspect(handle.pid), bench.clock.now())

describe('a step that failed and is tried again', () => {
  it('is listed with its position, its attempt and the time of the next one', async () => {
    await bench.untilWaiting(await bench.launch(Relax))
    const [headings, row] = await list()
    expect(headings).toMatch(/^PID +CLASS +STATE +STEP +TRY +STATUS +DUE +AGE$/)
    expect(row).toMatch(
      /Relax +waiting +2\.while\(isNotConverged\)#2\.relax +2 +relax failed 1 of 2 \(no memory\), next try 13:00 /,
    )
  })

  it('is shown with its loop and its record', async () => {
    const handle = await bench.launch(Relax)
    await bench.untilWaiting(handle)
    expect(await show(handle)).toMatchObject({
      state: 'waiting',
      step: 'relax',
      position: '2.while(isNotConverged)#2.relax',
      loop: 'round 2 of while(isNotConverged)',
      attempt: '2 of 2',
      waits: 'relax failed 1 of 2 (no memory), next try 13:00',
      'done in step': 'effect reserve',
    })
    expect(await where(handle)).toEqual({
      position: { at: '2.while(isNotConverged)#2.relax' },
      look: 'waiting',
      notes: ['waiting', 'relax failed 1 of 2 (no memory), next try 13:00'],
    })
  })

  it('shows why it is paused, and what it then waits for', async () => {
    const handle = await bench.launch(Relax)
    await bench.untilWaiting(handle)
    await handle.pause('lunch')
    expect((await list())[1]).toMatch(/waiting, paused .* lunch; waits until 13:00 /)
    expect(await where(handle)).toMatchObject({
      look: 'paused',
      notes: ['waiting, paused', 'lunch; waits until 13:00'],
    })
  })

  it('is a line in the history, as is a request to try again now', async () => {
    const handle = await bench.launch(Relax)
    await bench.untilWaiting(handle)
    await handle.retry()
    await bench.untilWaiting(handle)
    expect(await history(handle)).toEqual([
      'created',
      'runs 1.setup',
      'runs 2.while(isNotConverged)#1.relax',
      'effect reserve done',
      'runs 2.while(isNotConverged)#2.relax',
      'effect reserve done',
      'relax failed 1 of 2 (no memory), next try 13:00',
      'asked to try again now',
      'runs 2.while(isNotConverged)#2.relax',
      'runs 3.report',
      'finished',
    ])
    expect(await where(handle)).toEqual({ position: 'end', look: 'done', notes: ['finished'] })
  })

  it('is where the process ended, when its retries have run out', async () => {
    const handle = await bench.launch(Relax, { hopeless: true })
    await bench.untilWaiting(handle)
    await bench.advance('1h')
    await bench.untilWaiting(handle)
    expect(await show(handle)).toMatchObject({
      state: 'excepted',
      'ended in': '2.while(isNotConverged)#2.relax',
      error: expect.stringContaining('no memory'),
      'done in step': 'effect reserve',
    })
    expect(await where(handle)).toEqual({
      position: { at: '2.while(isNotConverged)#2.relax' },
      look: 'failed',
      notes: ['excepted', 'no memory'],
    })
    const again = await bench.client.restart(handle.pid)
    expect(await show(again)).toMatchObject({ 'made from': `${handle.pid}, by restart` })
    expect(await history(again)).toEqual([`restarted from ${handle.pid}`])
  })
})

describe('a step that waits', () => {
  it('is shown with the wait, its end and the signals that are stored for it', async () => {
    const handle = await bench.launch(Order, {}, { deadline: '30d' })
    await bench.untilWaiting(handle)
    expect((await list())[1]).toMatch(/Order +waiting +run +sleeps \(night\) until 20:00 /)
    await handle.signal('note', 'in a hurry')
    await handle.signal('note', 'really')
    await bench.advance('8h')
    await bench.untilWaiting(handle)
    expect(await show(handle)).toMatchObject({
      step: 'run',
      waits: 'for the signal approval until 2026-01-08 20:00',
      'kept for it': 'signal note (2 times)',
      deadline: expect.stringMatching(/^2026-02-04T.*\(in 30d\)$/),
    })
  })

  it('has a history of effects, sleeps, crashes and signals, with the author of each request', async () => {
    const handle = await bench.launch(Order)
    await bench.untilWaiting(handle)
    await bench.restart()
    await bench.untilWaiting(handle)
    await bench.advance('8h')
    await bench.untilWaiting(handle)
    await handle.signal('approval', true)
    await bench.untilWaiting(handle)
    const events = await history(handle)
    expect(events.slice(0, 7)).toEqual([
      'created',
      'runs run',
      'effect charge done',
      'sleeps (night) until 20:00',
      'its engine died in run; crash 1',
      'taken up again after a crash',
      'sleeps (night) until 20:00',
    ])
    expect(events.slice(7)).toEqual(
      expect.arrayContaining([
        'waits for the signal approval until 2026-01-08 20:00',
        'was sent the signal approval',
        'the signal approval was received',
        'finished',
      ]),
    )
    const lines = timeLine(await bench.client.history(handle.pid)).split('\n')
    expect(lines.find((line) => line.includes('was sent'))).toMatch(/ 8:00:00\.000 .* client \d+$/)
  })

  it('has a history with the signal that did not come, and with the exit code', async () => {
    const handle = await bench.launch(Order)
    await bench.untilWaiting(handle)
    await bench.advance('8h')
    await bench.untilWaiting(handle)
    await bench.advance('3d')
    await bench.untilWaiting(handle)
    expect((await history(handle)).slice(-2)).toEqual([
      'the signal approval did not come in time',
      'finished without success, exit code 310 (nobody approved it in time)',
    ])
  })
})

describe('a process with children', () => {
  it('is shown with the number of children in each state, and those that it waits for', async () => {
    const handle = await bench.launch(Family, { children: 3 })
    await bench.untilWaiting(handle)
    const { processes } = await bench.client.list({ parent: handle.pid })
    const eldest = processes.find(({ abandoned }) => abandoned)?.pid ?? ''
    const [first, second] = processes.filter(({ abandoned }) => !abandoned)
    expect(await show(handle)).toMatchObject({
      waits: 'for 2 processes to end',
      'waits for': expect.stringMatching(`^(${first?.pid}|${second?.pid})$`),
      children: '3 children: 3 waiting',
    })
    expect(await show(bench.client.handle(eldest))).toMatchObject({
      waits: 'to be resumed (for a word)',
      parent: `${handle.pid}, which has abandoned it`,
    })
    await bench.client.handle(first?.pid ?? '').resume()
    await bench.untilWaiting(bench.client.handle(first?.pid ?? ''))
    expect(await show(handle)).toMatchObject({
      waits: `for process ${second?.pid} to end`,
      children: '3 children: 2 waiting, 1 finished',
    })
  })
})
