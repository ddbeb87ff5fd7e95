import { expect, test } from 'vitest'
import { Bundle, type Process } from 'damson'
import {
  Nothing,
  Restarts,
  SavesAndPauses,
  settle,
  ThreeSteps,
  ThreeStepsThenThrows,
  Throws,
  TwoSteps,
  WaitsForResume,
  WithDynamicOutput,
  WithOutput,
} from './example-processes.ts'

interface Made {
  new (): Process
  recreateFrom(bundle: Bundle): Process
}

interface Snapshot {
  readonly bundle: Bundle
  readonly outputs: unknown
}

/** Saves a process as it is and in each state that it comes to, to its end. */
async function snapshotsOf(process: Process): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = []
  const save = (): void => {
    snapshots.push({ bundle: Bundle.from(process), outputs: structuredClone(process.outputs) })
  }
  save()
  process.addProcessListener({
    onProcessRunning: save,
    onProcessWaiting: save,
    onProcessFinished: save,
    onProcessExcepted: save,
    onProcessKilled: save,
  })
  await process.stepUntilTerminated()
  return snapshots
}

/** What a saved process says, without the place in the program that an error came from. */
function shown(bundle: Bundle): unknown {
  return JSON.parse(bundle.text.replaceAll(/"stack":"[^"]*"/g, '"stack":""'))
}

/** Goes on from each snapshot and looks whether it comes to the same states as the first run did. */
async function expectSameEnds(processClass: Made): Promise<void> {
  const first = await snapshotsOf(new processClass())
  expect(first.length).toBeGreaterThan(2)
  for (const [index, { bundle }] of first.entries()) {
    const again = await snapshotsOf(processClass.recreateFrom(bundle))
    expect(again.map((each) => shown(each.bundle))).toEqual(
      first.slice(index).map((each) => shown(each.bundle)),
    )
    expect(again.map(({ outputs }) => outputs)).toEqual(first.slice(index).map(({ outputs }) => outputs))
  }
}

function expectRoundTrip(process: Process, processClass: Made): void {
  const once = Bundle.from(process)
  const again = Bundle.from(processClass.recreateFrom(Bundle.parse(JSON.stringify(once))))
  expect(again.text).toBe(once.text)
}

test('a process that was saved paused in its course goes on from there, paused', async () => {
  const process = new SavesAndPauses()
  const run = process.stepUntilTerminated()
  await settle()
  expect(process.paused).toBe(true)
  const bundle = Bundle.from(process)
  expect(process.stepsRan).toEqual(['run'])
  await process.play()
  await run
  expect(process.stepsRan).toEqual(['run', 'step2'])
  const again = bundle.unbundle<SavesAndPauses>({ processes: [SavesAndPauses] })
  expect([again.paused, again.stepsRan]).toEqual([true, ['run']])
  await again.play()
  await again.stepUntilTerminated()
  expect(again.stepsRan).toEqual(['run', 'step2'])
})

test('the future of a process that comes from a bundle settles with it', async () => {
  const bundle = Bundle.from(new SavesAndPauses())
  const process = bundle.unbundle<SavesAndPauses>({ processes: [SavesAndPauses] })
  const future = process.future()
  const run = process.stepUntilTerminated()
  await settle()
  await process.play()
  await run
  expect(await future).toEqual({})
  expect(process.stepsRan).toEqual(['run', 'step2'])
})

test('a new process comes back from its bundle', () => {
  expectRoundTrip(new Nothing(), Nothing)
})

test('outputs are saved as they were, and later ones do not reach into the bundle', async () => {
  const process = new WithOutput()
  const snapshots = await snapshotsOf(process)
  for (const { bundle, outputs } of snapshots) {
    expect(bundle.toJSON()['outputs'] ?? {}).toEqual(outputs)
  }
  expectRoundTrip(process, WithOutput)
})

test('a process goes on to the same end from each state that was saved', async () => {
  for (const processClass of [Nothing, WithOutput, WithDynamicOutput, ThreeSteps])
    await expectSameEnds(processClass)
})

test('a process that waits goes on from its bundle when it is resumed', async () => {
  const process = new Restarts()
  const run = process.stepUntilTerminated()
  await settle()
  const loaded = Bundle.from(process).unbundle<Restarts>({ processes: [Restarts] })
  expect(loaded.state).toBe('waiting')
  await loaded.resume()
  await loaded.stepUntilTerminated()
  expect(loaded.outputs).toEqual({ finished: true })
  await process.kill()
  await run
})

test('two resumes in a row do no harm', async () => {
  const process = new Restarts()
  const run = process.stepUntilTerminated()
  await settle()
  const loaded = Bundle.from(process).unbundle<Restarts>({ processes: [Restarts] })
  await Promise.all([loaded.resume(), loaded.resume()])
  await loaded.stepUntilTerminated()
  expect(loaded.outputs).toEqual({ finished: true })
  await process.kill()
  await run
})

test('a process saved while it waits comes to the same end as the first', async () => {
  const process = new WaitsForResume()
  const run = process.execute()
  await settle()
  const bundle = Bundle.from(process)
  await process.resume()
  const loaded = bundle.unbundle<WaitsForResume>({ processes: [WaitsForResume] })
  const again = loaded.execute()
  await loaded.resume()
  expect(await again).toEqual(await run)
})

test('a killed process comes back from its bundle', async () => {
  const process = new Nothing()
  await process.kill('why not')
  expectRoundTrip(process, Nothing)
})

test('outputs of several steps are saved with each', async () => {
  for (const { bundle, outputs } of await snapshotsOf(new ThreeSteps())) {
    expect(bundle.toJSON()['outputs'] ?? {}).toEqual(outputs)
  }
})

test('a process with several steps, or one that throws, goes on to the same end from each state', async () => {
  for (const processClass of [TwoSteps, Throws, ThreeStepsThenThrows]) await expectSameEnds(processClass)
})

test('a listener may kill a process as soon as it waits', async () => {
  const process = new WaitsForResume()
  process.addProcessListener({ onProcessWaiting: (waiting) => void waiting.kill() })
  await expect(process.execute()).rejects.toThrow('killed')
  expect(process.killed()).toBe(true)
})
