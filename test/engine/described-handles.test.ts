import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import {
  allowFailure,
  PortValidationError,
  Process,
  UpstreamFailed,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { Add, Failing, gate } from './processes.ts'

/** Takes anything, prints, and passes a gate. */
class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    return spec.input('value', { required: false }).output('seen').returns({})
  }
  override async run(): Promise<unknown> {
    this.print('began')
    this.print('careful', { stream: 'stderr' })
    this.out('seen', 1)
    await gate('takes').pass()
    return this.inputs.value
  }
}

/** Prints from hooks, before and after the commit of its end. */
class Hooked extends Process<typeof Hooked> {
  static override define(spec: ProcessSpec) {
    return spec.returns({})
  }
  override run(): string {
    this.print('run')
    return 'done'
  }
  override onFinish(): void {
    this.print('before the end')
  }
  override onFinished(): void {
    this.print('after the end')
    this.addEvent('told', { to: 'all' })
  }
  override onTerminated(): void {
    this.print('at last')
  }
}

/** Prints once more after a gate, whatever has become of it. */
class Lingers extends Process<typeof Lingers> {
  override async run(): Promise<void> {
    this.print('begun')
    await gate('lingers').pass()
    this.print('too late')
    void gate('lingered').pass()
  }
}

async function textsOf(handle: ProcessHandle): Promise<string[]> {
  const texts: string[] = []
  for await (const { text } of handle.logs()) texts.push(text)
  return texts
}

overEachStore((over) => {
  it('a handle shows the call, where the inputs are known', async () => {
    const engine = await over().engine([Add, Takes])
    const handle = await engine.launch(Add, { a: 1, b: 2 })
    expect(handle.call).toBe('Add(a=1, b=2)')
    const other = await over().client()
    const same = other.handle(handle.pid)
    expect(same.call).toBe('(...)')
    await same.inputs()
    await same.wait()
    expect(same.call).toBe('Add(a=1, b=2)')
    expect((await other.handle(handle.pid).metadata()).call).toBe('Add(a=1, b=2)')
    const long = await engine.launch(Takes, { value: 'x'.repeat(5_000) })
    expect(long.call).toBe(`Takes(value='${'x'.repeat(93)}...)`)
    const refers = await engine.launch(Takes, { value: [handle, allowFailure(handle.outputs.ref('sum'))] })
    expect(refers.call).toContain(`Takes(value=[<process ${handle.pid}>, allowFailure(<process `)
  })

  it('a handle gives the processes that its inputs refer to, and the inputs with their values', async () => {
    const engine = await over().engine([Add, Takes])
    const one = await engine.launch(Add, { a: 1 })
    const two = await engine.launch(Add, { a: 2 })
    const handle = await engine.launch(
      Takes,
      { value: { sums: [one.outputs.ref('sum'), two.outputs.ref('sum'), one.outputs.ref('sum')] } },
      { after: [one] },
    )
    gate('takes').open()
    expect(await handle.references()).toEqual([one.pid, two.pid])
    await handle.wait()
    expect(await handle.references()).toEqual([one.pid, two.pid])
    expect(await handle.inputs()).toEqual({ value: { sums: [2, 3, 2] } })
    expect(await one.references()).toEqual([])
    expect((await handle.metadata()).after).toEqual([one.pid])
    expect((await one.metadata()).after).toEqual([])
  })

  it('the metadata has what was printed and emitted so far', async () => {
    const engine = await over().engine([Takes])
    const handle = await engine.launch(Takes, { value: 2 })
    gate('takes').open()
    await handle.wait()
    expect(await handle.metadata()).toMatchObject({
      call: 'Takes(value=2)',
      stdout: 'began\n',
      stderr: 'careful\n',
      published: { seen: 1 },
    })
    const [metadata] = await engine.group([handle]).metadata()
    expect(metadata).toMatchObject({ stdout: 'began\n' })
  })

  it('what hooks print after the end is stored', async () => {
    const engine = await over().engine([Hooked])
    const handle = await engine.launch(Hooked)
    await handle.wait()
    await expect
      .poll(() => textsOf(handle))
      .toEqual(['run\n', 'before the end\n', 'after the end\n', 'at last\n'])
    const added = (await handle.history()).filter(({ name }) => name === 'event')
    expect(added).toMatchObject([{ data: { name: 'told', data: { to: 'all' } } }])
    const inMemory = new Hooked()
    await inMemory.execute()
  })

  it('C4: a step that goes on after a forced kill stores nothing more', async () => {
    const engine = await over().engine([Lingers])
    const handle = await engine.launch(Lingers)
    await gate('lingers').reached
    await over().clock.advance('1s')
    await handle.kill('enough', { force: true })
    await handle.wait()
    gate('lingers').open()
    await gate('lingered').reached
    await over().clock.quiet()
    expect(await textsOf(handle)).toEqual(['begun\n'])
  })

  it('lists tell why a process failed that has not run', async () => {
    const { store } = over()
    const engine = await over().engine([Add, Failing, Takes])
    const failing = await engine.launch(Failing)
    const upstream = await engine.launch(Takes, { value: failing })
    await expect(upstream.result()).rejects.toThrow(UpstreamFailed)
    const byName = await (await over().client()).launch('Add', { a: 1 })
    await byName.wait()
    const text = await engine.launch(Takes, { value: 'text' })
    gate('takes').open()
    const rejected = await engine.launch(Add, { a: text as never })
    const error = await rejected.result({ raiseOnFailure: false })
    expect((error as Error).cause).toBeInstanceOf(PortValidationError)
    const reasonOf = async (pid: string) => (await engine.find(pid))?.state.reason
    expect(await reasonOf(upstream.pid)).toBe('upstream')
    expect(await reasonOf(rejected.pid)).toBe('rejected')
    expect(await reasonOf(failing.pid)).toBeUndefined()
    expect(upstream.state.reason).toBe('upstream')
    expect(rejected.state.reason).toBe('rejected')
    expect((await store.read(rejected.pid))?.reason).toBe('rejected')
    const { processes } = await engine.list({ successful: false })
    expect(processes.map(({ state }) => state.reason)).toEqual(['rejected', 'upstream', undefined])
  })

  it('console.log of a group shows its name and how far it is', async () => {
    const engine = await over().engine([Add])
    const group = await engine.launchAll(Add, [{ a: 1 }, { a: 2 }], { group: 'sums' })
    await group.wait()
    expect(inspect(group)).toBe('ProcessGroup { sums: 2 of 2 have ended (2 finished) }')
    expect(inspect(engine.group([], { name: 'none' }))).toBe('ProcessGroup { none: empty }')
  })
})
