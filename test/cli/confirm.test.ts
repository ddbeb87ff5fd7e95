import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { Client } from '../../src/index.ts'
import { compiled } from '../programs/compiled.ts'
import { Project } from './project.ts'

/** Runs a command in a terminal of its own. The `script` of other systems takes other arguments. */
const SCRIPT = '/usr/bin/script'
const hasScript = process.platform === 'linux' && existsSync(SCRIPT)

/** Runs `damson kill --all` at a terminal, and answers its question. Resolves to the screen and the exit code. */
function kill(store: string, answer: string): Promise<{ readonly screen: string; readonly code: number }> {
  const command = [process.execPath, compiled('src/cli/main.ts'), 'kill', '--all', '--store', store]
  const child = spawn(SCRIPT, ['-qec', command.join(' '), '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  })
  let screen = ''
  let isAnswered = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    if (isAnswered || !screen.includes('[y/N] ')) return
    isAnswered = true
    child.stdin.write(answer)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ screen, code: code ?? -1 }))
  })
}

test.runIf(hasScript)('kill --all asks at a terminal, and kills only after a yes', async () => {
  const project = new Project()
  onTestFinished(() => project[Symbol.asyncDispose]())
  await using client = await Client.open({ store: project.store, create: true })
  for (const name of ['Order', 'Order', 'Payment']) await client.launch(name)
  const question = 'kill 3 processes (2 Order, 1 Payment) in '
  for (const [name, answer] of Object.entries({
    no: 'n\r',
    nothing: '\r',
    'the end of the input': '\u0004',
  })) {
    const { screen, code } = await kill(project.store, answer)
    expect([name, code]).toEqual([name, 1])
    expect(screen).toContain(question)
    expect(screen).toContain('nothing was killed')
  }
  expect(await client.count()).toMatchObject({ created: 3, killed: 0 })
  const { screen, code } = await kill(project.store, 'y\r')
  expect(screen).toContain('3 asked to kill')
  expect(code).toBe(0)
  expect(await client.count()).toMatchObject({ created: 0, killed: 3 })
})
