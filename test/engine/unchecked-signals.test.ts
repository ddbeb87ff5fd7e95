import { expect, test } from 'vitest'
import { Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'

class Approval extends Process<typeof Approval> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('approval', { schema: { type: 'boolean' } })
  }
  override run(): unknown {
    return new Wait(this.decide, { receive: 'approval' })
  }
  decide(approved: unknown): unknown {
    return approved
  }
}

overEachStore((over) => {
  test('a payload that nobody could check where it was sent is checked when a Wait receives it', async () => {
    const client = await over().client()
    const early = await client.launch('Approval')
    await early.signal('approval', 'perhaps')
    const engine = await over().engine([Approval])
    const handle = engine.handle(early.pid)
    expect(await handle.wait()).toMatchObject({ label: 'excepted' })
    expect(handle.exception()?.cause).toMatchObject({ code: 'PORT_VALIDATION', port: 'signals.approval' })
  })
})
