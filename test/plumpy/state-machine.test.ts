import { expect, test } from 'vitest'
import { canTransition, isTerminal, nextStates, Process, Wait } from 'damson'

test('a process goes from state to state as the machine says', async () => {
  class Waits extends Process {
    override run(): unknown {
      return new Wait(this.last)
    }
    last(): void {}
  }
  const process = new Waits()
  const states: string[] = [process.state]
  await process.resume()
  while (!process.hasTerminated()) {
    await process.step()
    states.push(process.state)
  }
  expect(states).toEqual(['created', 'running', 'waiting', 'running', 'finished'])
  expect(isTerminal(process.state)).toBe(true)
  expect(nextStates('waiting').toSorted()).toEqual(['excepted', 'finished', 'killed', 'running', 'waiting'])
})

test('what the machine does not have cannot be done', async () => {
  const process = new Process()
  await process.execute()
  await expect(process.step()).rejects.toThrow(/has ended/)
  expect(canTransition('finished', 'running')).toBe(false)
  expect(canTransition('created', 'waiting')).toBe(false)
  expect(canTransition('created', 'finished')).toBe(false)
})
