import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { compiled } from '../programs/compiled.ts'

/** A program with two engines, one of which closes at once and the other when its step has ended. */
const program = (more: string): string => `
import { setTimeout as later } from 'node:timers/promises'
import { Engine, Process } from ${JSON.stringify(pathToFileURL(compiled('src/index.ts')).href)}
class Slow extends Process {
  async run() {
    console.log('ready')
    await later(300)
    console.log('the step has ended')
  }
}
const alive = setInterval(() => {}, 1_000)
await Engine.open({ store: ':memory:', processes: [Slow] })
const engine = await Engine.open({ store: ':memory:', processes: [Slow] })
${more}
await engine.launch(Slow)
`

async function endOf(more: string, signal: NodeJS.Signals) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(more)])
  let said = ''
  child.stdout.on('data', (data) => (said += String(data)))
  child.stderr.on('data', (data) => (said += String(data)))
  while (!said.includes('ready')) await once(child.stdout, 'data')
  child.kill(signal)
  const [code, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, by, lines: said.trim().split('\n') }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'C12: %s ends the program as it would without engines, once the last of them has closed',
  async (signal) => {
    expect(await endOf('', signal)).toEqual({
      code: null,
      by: signal,
      lines: ['ready', 'the step has ended'],
    })
  },
)

test('C12: where the program has a listener of its own, that decides, though it listens once', async () => {
  const listener = `process.once('SIGTERM', async () => {
  console.log('heard')
  await later(600)
  console.log('still here')
  process.exit(5)
})`
  expect(await endOf(listener, 'SIGTERM')).toEqual({
    code: 5,
    by: null,
    lines: ['ready', 'heard', 'the step has ended', 'still here'],
  })
})

test('C12: an engine that was closed before takes no part, and leaves the signal as it was', async () => {
  const closed =
    "const other = await Engine.open({ store: ':memory:', processes: [Slow] }); await other.close()"
  expect(await endOf(closed, 'SIGTERM')).toMatchObject({ code: null, by: 'SIGTERM' })
})
