import { describe, expect, test } from 'vitest'
import { Continue, Engine, Process, ProcessExcepted } from 'damson'

/** Pauses itself after its first step; what happens then is noted. */
class Pausing extends Process {
  static happened: string[] = []
  static playingFails = false
  override async run(): Promise<Continue> {
    await this.pause()
    return new Continue(this.second)
  }
  second(): void {
    Pausing.happened.push('second step')
  }
  protected override async onPlaying(): Promise<void> {
    // Longer than a step would take to begin.
    await new Promise((resolve) => setImmediate(resolve))
    Pausing.happened.push('onPlaying')
    if (Pausing.playingFails) throw new Error('not now')
  }
}

/** Runs it to its end, played once it is paused. */
const hosts: Readonly<Record<string, () => Promise<unknown>>> = {
  'in memory': () => {
    const process = new Pausing()
    process.events.on('process:paused', () => setImmediate(() => void process.play()))
    return process.execute()
  },
  'under an engine': async () => {
    await using engine = await Engine.open({ store: ':memory:', processes: [Pausing], handleSignals: false })
    const handle = await engine.launch(Pausing)
    while (!(await handle.refresh()).paused) await new Promise((resolve) => setImmediate(resolve))
    await handle.play()
    return await handle.result()
  },
}

describe.each(Object.entries(hosts))('a process that is played %s', (_host, run) => {
  test('does not go on before onPlaying has ended', async () => {
    Pausing.happened = []
    Pausing.playingFails = false
    await run()
    expect(Pausing.happened).toEqual(['onPlaying', 'second step'])
  })

  test('excepts, without a further step, when onPlaying throws', async () => {
    Pausing.happened = []
    Pausing.playingFails = true
    await expect(run()).rejects.toThrow(ProcessExcepted)
    expect(Pausing.happened).toEqual(['onPlaying'])
  })
})
