import { expect, test } from 'vitest'
import { Process, Wait, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'

class Patient extends Process<typeof Patient> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('inStep', { schema: { type: 'boolean' } })
      .signal('news')
      .deadline('1h')
  }
  override async run(): Promise<unknown> {
    if (this.inputs.inStep) return this.receive('news', { evict: true })
    return new Wait(this.end, { receive: 'news' })
  }
  end(): void {}
}

overEachStore((over) => {
  /** Out of memory, with nobody who knows it but the store. */
  const asleep = async ({ pid }: ProcessHandle): Promise<void> => {
    await untilRow(over().store, pid, ({ state, owner }) => state === 'waiting' && owner === null)
  }

  test.each([true, false])(
    'the deadline of a class ends what was launched by name and waits out of memory (in its step: %s)',
    async (inStep) => {
      const engine = await over().engine([Patient])
      const client = await over().client()
      const handle = await client.launch('Patient', { inStep })
      await asleep(handle)
      expect(await handle.explain()).toContain(
        'its deadline is 2026-01-01T01:00:00.000Z, in 60 min; after that it is excepted',
      )
      await over().clock.advance('1h')
      expect(await engine.handle(handle.pid).wait()).toMatchObject({ label: 'excepted' })
      expect(engine.handle(handle.pid).exception()?.cause).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    },
  )

  test('a restarted or resubmitted process has as long as the one had that it is made from', async () => {
    const { clock } = over()
    const engine = await over().engine([Patient])
    const client = await over().client()
    for (const [deadline, minutes] of [
      [undefined, 60],
      ['20m', 20],
    ] as const) {
      const first = await engine.launch(Patient, { inStep: false }, { deadline })
      await untilWaiting(over().store, first.pid)
      await clock.advance('15m')
      await first.kill()
      for (const begin of ['restart', 'resubmit'] as const) {
        const again = await (begin === 'restart' ? client.restart(first.pid) : client.resubmit(first.pid))
        await asleep(again)
        await clock.advance(`${minutes - 1}m`)
        expect(await again.refresh()).toMatchObject({ label: 'waiting' })
        await clock.advance('1m')
        expect((await again.wait())?.label).toBe('excepted')
      }
    }
  })

  test('a process that was launched past its deadline is restarted without one of its own', async () => {
    const engine = await over().engine([Patient])
    const late = await engine.launch(Patient, { inStep: false }, { deadline: new Date(0) })
    expect((await late.wait())?.label).toBe('excepted')
    const again = await engine.restart(late.pid)
    await asleep(again)
    expect(await again.explain()).toContain(
      'its deadline is 2026-01-01T01:00:00.000Z, in 60 min; after that it is excepted',
    )
  })
})
