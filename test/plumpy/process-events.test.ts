import { expect, test } from 'vitest'
import type { Process, ProcessListener } from 'damson'
import { Nothing, Throws, WithOutput } from './example-processes.ts'

/** Notes which methods of a listener are called. */
function listenTo(process: Process): string[] {
  const called: string[] = []
  const listener: ProcessListener = {
    onProcessCreated: () => called.push('created'),
    onProcessRunning: () => called.push('running'),
    onProcessWaiting: () => called.push('waiting'),
    onProcessPaused: () => called.push('paused'),
    onProcessPlayed: () => called.push('played'),
    onOutputEmitted: (_process, port, value, dynamic) => called.push(`${port}=${String(value)}, ${dynamic}`),
    onProcessFinished: () => called.push('finished'),
    onProcessExcepted: () => called.push('excepted'),
    onProcessKilled: () => called.push('killed'),
  }
  process.addProcessListener(listener)
  return called
}

test('a listener hears of a process that runs, emits and finishes', async () => {
  const process = new WithOutput()
  const called = listenTo(process)
  await process.execute()
  expect(called).toEqual(['created', 'running', 'default=5, false', 'finished'])
})

test('a listener hears of a kill', async () => {
  const process = new WithOutput()
  const called = listenTo(process)
  expect(await process.kill()).toBe(true)
  expect(called).toEqual(['created', 'killed'])
})

test('a listener hears of an error', async () => {
  const process = new Throws()
  const called = listenTo(process)
  await expect(process.execute()).rejects.toThrow(/Great scott!/)
  expect(process.exception()).toEqual(new Error('Great scott!'))
  expect(called).toEqual(['created', 'running', 'test=5, true', 'excepted'])
})

test('a listener hears of a pause', async () => {
  const process = new WithOutput()
  const called = listenTo(process)
  expect(await process.pause()).toBe(true)
  expect(called).toEqual(['created', 'paused'])
})

test('a listener that was removed hears nothing', async () => {
  const process = new Nothing()
  const called: string[] = []
  const listener = { onProcessRunning: () => void called.push('running') }
  process.addProcessListener(listener)
  process.removeProcessListener(listener)
  await process.execute()
  expect(called).toEqual([])
})
