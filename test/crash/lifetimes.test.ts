// @module-tag more
import { expect } from 'vitest'
import { MissingResult, Process, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'

/* Results that are released, purged, needed and dropped, with a crash in the middle of it. */

class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given').returns({})
  }
  override run(): unknown {
    return this.inputs.given
  }
}

class Gives extends Process<typeof Gives> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .signal('go')
      .output('more')
      .returns({ schema: { type: 'string' } })
  }
  override async run(): Promise<string> {
    await this.receive('go')
    this.out('more', 'an output')
    return 'a value'
  }
}

async function isGone(handle: ProcessHandle): Promise<boolean> {
  await handle.refresh()
  return (await handle.result({ raiseOnFailure: false })) instanceof MissingResult
}

crashAtEveryCommit(
  'a result that is purged while it is needed',
  { processes: [Gives, Takes] },
  async (driver) => {
    const gives = await driver.launch('gives', Gives, {}, { retention: 'refs' })
    const takes = await driver.launch(
      'takes',
      Takes,
      { given: [gives, gives.outputs.ref('more')] },
      { delay: '1h' },
    )
    await driver.once(gives, 'signalled', () => gives.signal('go'))
    await driver.ends('gives')
    await gives.purge()
    await driver.passes('2h')
    await driver.ends('takes')
    expect(await takes.result()).toEqual(['a value', 'an output'])
    await driver.passes('4h')
    expect(await isGone(gives)).toBe(true)
    expect(gives.successful()).toBe(true)
  },
)

crashAtEveryCommit('results with a time, and with sessions', { processes: [Gives] }, async (driver) => {
  const timed = await driver.launch('timed', Gives, {}, { retention: { ttl: '1d' } })
  const refs = await driver.launch('refs', Gives, {}, { retention: 'refs' })
  for (const handle of [timed, refs]) {
    await driver.once(handle, 'signalled', () => handle.signal('go'))
    await driver.ends(handle.pid)
  }
  timed.retain()
  await timed.refresh()
  await refs.release()
  await timed.release()
  await driver.passes('2d')
  expect([await isGone(timed), await isGone(refs)]).toEqual([true, true])
})

/** Is deleted by an engine a day after its end. */
class Brief extends Process {
  static override prune = { after: '1d' } as const
  override run(): string {
    return 'a value'
  }
}

crashAtEveryCommit(
  'processes that an engine deletes, once nothing that lives refers to them',
  { processes: [Brief, Takes] },
  async (driver) => {
    const { engine } = driver
    // What was deleted is not to be launched again.
    if ((await engine.store.read('takes'))?.endedAt == null) await driver.launch('brief', Brief)
    const takes = await driver.launch('takes', Takes, { given: engine.handle('brief') }, { delay: '3d' })
    if (driver.clock.now() < Date.UTC(2026, 0, 3)) {
      await driver.passes('2d')
      expect(await engine.store.read('brief')).toMatchObject({ state: 'finished' })
    }
    await driver.passes('4d')
    await driver.ends('takes')
    expect(await takes.result()).toBe('a value')
    await driver.passes('6d')
    expect(await engine.store.read('brief')).toBeUndefined()
  },
)
