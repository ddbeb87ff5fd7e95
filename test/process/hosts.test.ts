import { expect, test } from 'vitest'
import {
  Bundle,
  Codec,
  Continue,
  LeaseLost,
  Process,
  ProcessKilled,
  type ProcessSpec,
  SerializationError,
  systemClock,
  Wait,
} from 'damson'
import type { Committed, ControlRequest, Host, Transition } from '../../src/process/host/host.ts'
import { construct as constructHosted } from '../../src/process/host/construction.ts'
import { HOSTED, type AnyProcessClass, type Hosted } from '../../src/process/host/process-object.ts'
import { settle } from './helpers.ts'

function construct(
  processClass: AnyProcessClass,
  inputs: undefined,
  options: { readonly host: Host },
): Process {
  return constructHosted(processClass, inputs, options).process as Process
}

function hosted(process: Process): Hosted {
  return process[HOSTED]
}

/** A host that keeps bundles in a list, and answers its commits in a later turn. */
class ListHost implements Host {
  readonly durable = true
  readonly codec = new Codec()
  readonly clock = systemClock
  readonly transitions: Transition[] = []
  readonly bundles: Bundle[] = []
  answer: (transition: Transition) => Committed = () => ({})

  async commit(_process: Hosted, transition: Transition): Promise<Committed> {
    const bundle = transition.bundle()
    await settle()
    const answer = this.answer(transition)
    this.transitions.push(transition)
    this.bundles.push(bundle)
    return answer
  }
  launch(): never {
    throw new Error('this host launches nothing')
  }
  launchAll(): never {
    throw new Error('this host launches nothing')
  }
  mail(): undefined {}
  record(): void {}
  suspend(): () => void {
    return () => {}
  }
  evict(): void {}
  async outcomes(): Promise<[]> {
    return []
  }
  async checkpoint(): Promise<void> {}
  async request(process: Hosted, request: ControlRequest): Promise<boolean> {
    await settle()
    if (request.kind === 'pause') process.pause(request.message)
    else if (request.kind === 'play') process.play()
    else if (request.kind === 'kill') process.kill(request.message, { force: request.force })
    else if (request.kind === 'resume') process.wake(request.value, { by: 'resume', id: 7 })
    return true
  }
}

class Steps extends Process {
  static override define(spec: ProcessSpec): void {
    spec.outputs.dynamic = true
  }
  ran: string[] = []
  override run(): unknown {
    this.ran.push('run')
    return new Continue(this.second)
  }
  second(): unknown {
    this.ran.push('second')
    return new Wait(this.third)
  }
  third(value: unknown): unknown {
    return value
  }
}

test('C3: the state changes when the host has committed it, and the step starts after that', async () => {
  const host = new ListHost()
  const process = construct(Steps, undefined, { host }) as Steps
  const step = process.step()
  expect([process.state, process.ran]).toEqual(['created', []])
  await step
  expect([process.state, process.ran]).toEqual(['running', []])
  expect(host.transitions.map(({ from, to, step: next }) => [from, to, next])).toEqual([
    ['created', 'running', 'run'],
  ])
  expect(host.bundles[0]?.toJSON()['state']).toEqual({ label: 'running', step: 'run', args: [] })
})

test('C4: a commit that is refused stops the process without a trace', async () => {
  const host = new ListHost()
  host.answer = ({ to }) => {
    if (to === 'waiting') throw new LeaseLost('taken')
    return {}
  }
  const hooks: string[] = []
  class Watched extends Steps {
    protected override onExcepted(): void {
      hooks.push('excepted')
    }
    protected override onWaiting(): void {
      hooks.push('waiting')
    }
  }
  const process = construct(Watched, undefined, { host })
  const future = process.future()
  await expect(process.stepUntilTerminated()).rejects.toThrow(LeaseLost)
  await expect(future).rejects.toThrow('taken')
  expect(process.signal.reason).toBeInstanceOf(LeaseLost)
  expect([process.state, hooks, host.transitions.length]).toEqual(['running', [], 2])
  expect(await process.kill()).toBe(false)
})

test('detaching rejects a step that hangs at once', async () => {
  class Hangs extends Process {
    override run(): Promise<void> {
      return new Promise(() => {})
    }
  }
  const process = construct(Hangs, undefined, { host: new ListHost() })
  const run = process.stepUntilTerminated()
  await settle()
  await settle()
  hosted(process).detach(new LeaseLost('frozen too long'))
  await expect(run).rejects.toThrow('frozen too long')
})

test('C7: a pause and a kill that the commit reports take effect at once', async () => {
  const host = new ListHost()
  host.answer = ({ to }) => (to === 'running' ? { pause: { message: 'stored' } } : {})
  const heard: string[] = []
  class Heard extends Steps {
    protected override onPaused(message: string | undefined): void {
      heard.push(String(message))
    }
  }
  const process = construct(Heard, undefined, { host })
  await process.step()
  expect([process.paused, process.status, heard]).toEqual([true, 'stored', ['stored']])
  expect(hosted(process).idle).toBe(true)

  host.answer = ({ to }) => (to === 'running' ? { kill: { message: 'stored too' } } : {})
  const other = construct(Steps, undefined, { host })
  await other.step()
  expect(other.killedMessage()).toBe('stored too')
})

test('C8: what woke a process is used up by the commit of the next state', async () => {
  const host = new ListHost()
  const process = construct(Steps, undefined, { host })
  await process.step()
  await process.step()
  await process.step()
  expect(hosted(process).idle).toBe(true)
  hosted(process).wake('now', { by: 'resume', id: 7 })
  expect(hosted(process).idle).toBe(false)
  await process.step()
  expect(host.transitions.at(-1)?.wake).toEqual({ by: 'resume', id: 7 })
  expect(host.bundles.at(-1)?.toJSON()['state']).toEqual({
    label: 'running',
    step: 'third',
    args: ['now', { by: 'resume' }],
    woken: true,
  })
})

test('C10: an output that cannot be saved is refused by out, and anything else at the commit, naming the path', async () => {
  class Emits extends Steps {
    override run(): void {
      this.out('bad', { inner: () => 1 })
    }
  }
  class Keeps extends Steps {
    override run(): unknown {
      this.ctx['jobs'] = [{ callback: () => 1 }]
      return new Continue(this.second)
    }
  }
  const host = new ListHost()
  for (const [processClass, path] of [
    [Emits, 'outputs.bad.inner'],
    [Keeps, 'ctx.jobs[0].callback'],
  ] as const) {
    const process = construct(processClass, undefined, { host })
    await process.stepUntilTerminated()
    expect(process.exception()).toBeInstanceOf(SerializationError)
    expect((process.exception() as SerializationError).path).toBe(path)
    expect(host.transitions.at(-1)?.to).toBe('excepted')
  }
  expect(host.bundles.at(-1)?.text).toContain('"unsaved":["ctx.jobs[0].callback')
})

test('a pause of a process that is not stepped is a commit, and the store that keeps it carries it out', async () => {
  const host = new ListHost()
  host.answer = () => ({ pause: { message: 'now' } })
  const process = construct(Steps, undefined, { host })
  expect(await process.pause('now')).toBe(true)
  expect(process.paused).toBe(true)
  expect(host.transitions.map(({ from, to, paused }) => [from, to, paused])).toEqual([
    ['created', 'created', null],
  ])
})

test('a kill while a transition is being committed follows it', async () => {
  const host = new ListHost()
  const process = construct(Steps, undefined, { host })
  const step = process.step()
  hosted(process).kill('meanwhile')
  await step
  expect(process.killed()).toBe(true)
  await expect(process.future()).rejects.toThrow(ProcessKilled)
  expect(host.transitions.at(-1)?.ending).toEqual({ successful: false, exitCode: null, message: 'meanwhile' })
})
