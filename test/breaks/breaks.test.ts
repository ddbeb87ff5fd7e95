import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../project/files.ts'
import { extent, HAS_MORE } from '../run/extent.ts'
import { breaks } from './breaks.ts'
import { NOTHING_BROKEN, type Judged, type Verdict } from './verdict.ts'

/*
 * The suite is worth something only if it notices: each contract is broken on purpose, and the tests that keep it have to fail then, by what
 * they expect. One program runs them all.
 */

/** What a test says when it noticed something, as opposed to one that could not be run; the second is a timeout, the fourth a promise that was to be rejected. One that was rejected and not to be may have met any error, so it shows nothing. */
const NOTICED =
  /^(AssertionError|Error: STACK_TRACE_ERROR|Error: Test timed out|Error: Property failed|Error: promise resolved|Error: it was saved|ProcessLost: there is no process)/
const TIME_OUT = 900_000
/** `all` has all breaks, `more` every third. */
const chosen = [...breaks.entries()].filter(([at]) => extent === 'all' || at % 3 === 0)

interface Awaited {
  readonly verdict: Promise<Verdict>
  resolve(verdict: Verdict): void
  reject(error: Error): void
}

const waiting = new Map<number, Awaited>()
let program: ChildProcess

beforeAll(() => {
  // Its own run of vitest: what this one has set in the environment is not for it.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(VITEST|TEST|NODE_V8_COVERAGE|DAMSON_(TESTS|SEED|COVERAGE|POSTGRES|RABBITMQ))/.test(name),
    ),
  )
  const file = fileURLToPath(new URL('break-program.ts', import.meta.url))
  program = spawn(
    process.execPath,
    ['--import', 'tsx', file, ...[NOTHING_BROKEN, ...chosen.map(([at]) => at)].map(String)],
    {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  program.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
  if (program.stdout !== null)
    createInterface(program.stdout).on('line', (line) => {
      said += `${line}\n`
      if (!line.startsWith('{"at":')) return
      const { at, ...verdict } = JSON.parse(line) as Judged
      verdictOn(at).resolve(verdict)
    })
  program.once('close', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the program ended with ${code}:\n${said}`))
  })
})
afterAll(() => void program.kill('SIGKILL'))

function verdictOn(at: number): Awaited {
  const known = waiting.get(at)
  if (known !== undefined) return known
  let [resolve, reject]: [Awaited['resolve'], Awaited['reject']] = [() => {}, () => {}]
  const verdict = new Promise<Verdict>((done, failed) => ([resolve, reject] = [done, failed]))
  // Not every test may wait for it.
  verdict.catch(() => {})
  const made: Awaited = { verdict, resolve, reject }
  waiting.set(at, made)
  return made
}

describe.concurrent('in one program', () => {
  test('the tests pass while nothing is broken', { ...HAS_MORE, timeout: TIME_OUT }, async () => {
    const { passed, failed, unloaded } = await verdictOn(NOTHING_BROKEN).verdict
    expect({ failed, unloaded }).toEqual({ failed: [], unloaded: [] })
    const names = chosen.map(([, broken]) => broken.test[1])
    expect(names.filter((name) => !passed.some((one) => one.includes(name)))).toEqual([])
  })

  test.each(chosen.map(([at, broken]) => ({ ...broken, at })))(
    '$contract is noticed to be broken: $what',
    { ...HAS_MORE, timeout: TIME_OUT },
    async ({ at }) => {
      const { failed, unloaded } = await verdictOn(at).verdict
      expect(unloaded).toEqual([])
      expect(failed).toEqual(expect.arrayContaining([expect.stringMatching(NOTICED)]))
    },
  )
})
