import { expect, test } from 'vitest'
import { Continue, Kill, Process, ProcessKilled, Wait } from 'damson'
import { Held, Latch, settle, Waits } from './helpers.ts'

test('pause of an idle process pauses it at once', async () => {
  const process = new Process()
  expect(await process.pause('later')).toBe(true)
  expect([process.paused, process.state, process.status]).toEqual([true, 'created', 'later'])
})

test('pause interrupts waiting, and play lets it wait on', async () => {
  const process = new Waits()
  const run = process.stepUntilTerminated()
  await settle()
  expect(process.state).toBe('waiting')
  expect(await process.pause()).toBe(true)
  expect([process.paused, process.state]).toEqual([true, 'waiting'])
  expect(await process.play()).toBe(true)
  for (const value of [1, 2, 3]) await process.resume(value)
  await run
  expect(process.result()).toEqual([1, 2, 3])
})

test('pause during a step takes effect at its end and keeps what it yields', async () => {
  const process = new Held()
  const run = process.stepUntilTerminated()
  await process.begun.opened
  const paused = process.pause()
  expect(process.paused).toBe(false)
  process.latch.open()
  expect(await paused).toBe(true)
  expect([process.paused, process.state, process.ran]).toEqual([true, 'running', ['run']])
  await process.play()
  await run
  expect(process.result()).toBe('done')
})

test('pause during the last step resolves to false when the process has ended', async () => {
  const latch = new Latch()
  class Last extends Process {
    override async run(): Promise<void> {
      await latch.opened
    }
  }
  const process = new Last()
  const run = process.execute()
  await settle()
  const paused = process.pause()
  latch.open()
  await run
  expect(await paused).toBe(false)
  expect([process.state, process.paused]).toEqual(['finished', false])
})

test('pause while pausing joins the first pause', async () => {
  const process = new Held()
  const run = process.stepUntilTerminated()
  await process.begun.opened
  const both = Promise.all([process.pause('one'), process.pause('two')])
  process.latch.open()
  expect(await both).toEqual([true, true])
  expect(process.status).toBe('one')
  await process.play()
  await run
})

test('pause of a paused process is true and keeps the first message', async () => {
  const process = new Process()
  await process.pause('one')
  expect(await process.pause('two')).toBe(true)
  expect(process.status).toBe('one')
})

test('pause of a process that is being killed is false', async () => {
  const process = new Held()
  const run = process.stepUntilTerminated()
  await process.begun.opened
  await process.kill()
  expect(await process.pause()).toBe(false)
  process.latch.open()
  await run
})

test('play while pausing calls the pause off, and its promise says so', async () => {
  const process = new Held()
  const run = process.execute()
  await process.begun.opened
  const paused = process.pause()
  expect(await process.play()).toBe(true)
  expect(await paused).toBe(false)
  process.latch.open()
  await run
  expect(process.result()).toBe('done')
})

test('play of a process that is not paused is true and does nothing', async () => {
  const process = new Process()
  expect(await process.play()).toBe(true)
  expect(process.state).toBe('created')
})

test('kill of an idle process kills it at once', async () => {
  const process = new Process()
  expect(await process.kill('enough')).toBe(true)
  expect([process.killed(), process.killedMessage()]).toEqual([true, 'enough'])
  await expect(process.future()).rejects.toThrow(new ProcessKilled(process.pid, 'enough'))
})

test('kill ends waiting', async () => {
  const process = new Waits()
  const run = process.execute()
  await settle()
  await process.kill('no more')
  await expect(run).rejects.toThrow('no more')
})

test('kill of a paused process kills it', async () => {
  const process = new Held()
  const run = process.execute()
  await process.begun.opened
  const paused = process.pause()
  process.latch.open()
  await paused
  expect(await process.kill()).toBe(true)
  await expect(run).rejects.toThrow(ProcessKilled)
  expect([process.state, process.paused, process.ran]).toEqual(['killed', true, ['run']])
})

test('kill during a step aborts the signal, lets the step end and drops its command', async () => {
  const process = new Held()
  const run = process.execute()
  await process.begun.opened
  const { signal } = process
  expect(await process.kill('stop it')).toBe(true)
  expect([process.isKilling, process.state]).toEqual([true, 'running'])
  expect(signal.reason).toBeInstanceOf(ProcessKilled)
  process.latch.open()
  await expect(run).rejects.toThrow('stop it')
  expect([process.isKilling, process.ran]).toEqual([false, ['run']])
})

test('the signal is aborted also for who looks at it only after the kill', async () => {
  const process = new Process()
  await process.kill('early')
  expect(process.signal.aborted).toBe(true)
})

test('an error of a step that is being killed does not count', async () => {
  const latch = new Latch()
  class Throws extends Process {
    override async run(): Promise<void> {
      await latch.opened
      throw new Error('aborted')
    }
  }
  const process = new Throws()
  const run = process.stepUntilTerminated()
  await settle()
  await process.kill()
  latch.open()
  await run
  expect(process.state).toBe('killed')
})

test('kill while pausing kills, and the pause resolves to false', async () => {
  const process = new Held()
  const run = process.stepUntilTerminated()
  await process.begun.opened
  const paused = process.pause()
  expect(await process.kill()).toBe(true)
  expect(await paused).toBe(false)
  process.latch.open()
  await run
  expect(process.state).toBe('killed')
})

test('kill twice is true while killing and false afterwards', async () => {
  const process = new Held()
  const run = process.stepUntilTerminated()
  await process.begun.opened
  expect(await process.kill('one')).toBe(true)
  expect(await process.kill('two')).toBe(true)
  process.latch.open()
  await run
  expect(process.killedMessage()).toBe('one')
  expect(await process.kill()).toBe(false)
})

test('a forced kill does not wait for a step that hangs, and its later result is ignored', async () => {
  const process = new Held()
  const run = process.execute()
  await process.begun.opened
  await process.kill('asked')
  expect(await process.kill('forced', { force: true })).toBe(true)
  await expect(run).rejects.toThrow('asked')
  process.latch.open()
  await settle()
  expect([process.state, process.ran]).toEqual(['killed', ['run']])
})

test('a step that a forced kill left behind can neither emit nor except', async () => {
  const latch = new Latch()
  const seen: unknown[] = []
  class Zombie extends Process {
    override async run(): Promise<void> {
      await latch.opened
      try {
        this.out('late', 1)
      } catch (error) {
        seen.push((error as Error).name)
      }
      throw new Error('nobody hears this')
    }
  }
  const process = new Zombie()
  const run = process.stepUntilTerminated()
  await settle()
  await process.kill('now', { force: true })
  await run
  latch.open()
  await settle()
  expect(seen).toEqual(['ClosedError'])
  expect([process.state, process.outputs]).toEqual(['killed', {}])
})

test('a forced kill does not wait for a hook that hangs', async () => {
  class Hangs extends Process {
    protected override onExitRunning(): Promise<void> {
      return new Promise(() => {})
    }
  }
  const process = new Hangs()
  const run = process.stepUntilTerminated()
  await settle()
  await process.kill('now', { force: true })
  await run
  expect(process.state).toBe('killed')
})

test('resumes are kept: each wakes one wait, in order, also those from before the wait', async () => {
  const process = new Waits()
  expect(await process.resume('before')).toBe(true)
  const run = process.execute()
  await settle()
  expect(process.ctx.got).toEqual(['before'])
  expect(await Promise.all([process.resume('a'), process.resume('b')])).toEqual([true, true])
  await run
  expect(process.result()).toEqual(['before', 'a', 'b'])
})

test('a resume while paused is kept until play', async () => {
  const process = new Waits()
  const run = process.stepUntilTerminated()
  await settle()
  await process.pause()
  await process.resume('kept')
  await settle()
  expect(process.ctx.got).toEqual([])
  await process.play()
  await settle()
  expect(process.ctx.got).toEqual(['kept'])
  await process.kill()
  await run
})

test('fail excepts an idle process at once, and a running one at the end of its step', async () => {
  const idle = new Process()
  expect(await idle.fail(new Error('broken'))).toBe(true)
  expect(idle.exception()).toEqual(new Error('broken'))
  const running = new Held()
  const run = running.stepUntilTerminated()
  await running.begun.opened
  expect(await running.fail(new Error('broken'))).toBe(true)
  expect(running.state).toBe('running')
  running.latch.open()
  await run
  expect([running.state, running.ran]).toEqual(['excepted', ['run']])
})

test('a kill wins over a failure', async () => {
  const process = new Held()
  const run = process.stepUntilTerminated()
  await process.begun.opened
  await process.fail(new Error('broken'))
  await process.kill()
  process.latch.open()
  await run
  expect(process.state).toBe('killed')
})

test('nothing can be asked of an ended process', async () => {
  const process = new Process()
  await process.execute()
  expect(
    await Promise.all([process.pause(), process.play(), process.kill(), process.resume(), process.fail('x')]),
  ).toEqual([false, false, false, false, false])
  expect(process.state).toBe('finished')
})

test('from within its own step all of it resolves once recorded, so nothing dead-locks', async () => {
  class Own extends Process {
    answers: boolean[] = []
    override async run(): Promise<unknown> {
      this.answers.push(await this.pause('a'), await this.pause('b'), await this.play(), await this.resume(1))
      this.answers.push(await this.pause(), await this.play())
      return new Continue(this.last)
    }
    async last(): Promise<void> {
      this.answers.push(await this.kill('own'), await this.kill('again'))
    }
  }
  const process = new Own()
  await expect(process.execute()).rejects.toThrow('own')
  expect(process.answers).toEqual([true, true, true, true, true, true, true, true])
})

test('a pause within the own step takes effect at its end', async () => {
  class Own extends Process {
    override async run(): Promise<unknown> {
      await this.pause('mine')
      return new Continue(this.after)
    }
    after(): string {
      return 'went on'
    }
  }
  const process = new Own()
  const run = process.stepUntilTerminated()
  await settle()
  expect([process.paused, process.status]).toEqual([true, 'mine'])
  await process.play()
  await run
  expect(process.result()).toBe('went on')
})

test('a forced kill within the own step ends it there', async () => {
  class Own extends Process {
    after = false
    override async run(): Promise<void> {
      await this.kill('own', { force: true })
      await new Promise(() => {})
    }
  }
  await expect(new Own().execute()).rejects.toThrow('own')
})

test('a child that is executed within a step may pause its parent without a dead-lock', async () => {
  class Parent extends Process {
    override async run(): Promise<unknown> {
      const pauseParent = (): Promise<boolean> => this.pause()
      class Child extends Process {
        override run(): Promise<boolean> {
          return pauseParent()
        }
      }
      const child = new Child()
      await child.execute()
      return new Continue(this.after, child.result())
    }
    after(answer: unknown): unknown {
      return answer
    }
  }
  const process = new Parent()
  const run = process.stepUntilTerminated()
  await settle()
  expect(process.paused).toBe(true)
  await process.play()
  await run
  expect(process.result()).toBe(true)
})

test('what hooks and listeners ask for is done at the boundary they are at', async () => {
  class Asks extends Process {
    override run(): unknown {
      return new Wait()
    }
    protected override async onWaiting(): Promise<void> {
      await this.pause('from a hook')
    }
  }
  const process = new Asks()
  await process.step()
  await process.step()
  expect([process.state, process.paused]).toEqual(['waiting', true])
  process.addProcessListener({ onProcessPlayed: (played) => void played.kill('from a listener') })
  await process.play()
  await settle()
  expect(process.killedMessage()).toBe('from a listener')
})

test('the status is kept aside while paused and put back by play', async () => {
  const process = new Process()
  process.setStatus('working')
  await process.pause('resting')
  expect(process.status).toBe('resting')
  await process.play()
  expect(process.status).toBe('working')
})

test('the message of Kill is the message of the process', async () => {
  class Ends extends Process {
    override run(): unknown {
      return new Kill('from within')
    }
  }
  await expect(new Ends().execute()).rejects.toThrow('from within')
})

test('step waits for play when paused, and two runs of one process are refused', async () => {
  const process = new Held()
  await process.pause()
  const step = process.step()
  await expect(process.execute()).rejects.toThrow(/is being run already/)
  await process.play()
  await step
  expect(process.state).toBe('running')
  await process.kill()
  await expect(process.step()).rejects.toThrow(/has ended/)
})

test('close ends a process here: its signal aborts, and what is awaited of it rejects', async () => {
  const process = new Held()
  const run = process.execute()
  const future = process.future()
  await process.begun.opened
  await process.close()
  expect(process.signal.aborted).toBe(true)
  await expect(run).rejects.toThrow(/was closed/)
  await expect(future).rejects.toThrow(/was closed/)
  expect(process.state).toBe('running')
})
