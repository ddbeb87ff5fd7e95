import {
  allowFailure,
  append,
  type EffectContext,
  type LaunchInputsOf,
  type PostgresTransaction,
  Process,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
  type SqliteTransaction,
  toContext,
  type Transaction,
  Wait,
  type Wake,
  WorkChain,
  type WorkChainSpec,
} from 'damson'
import { SimulatedClock } from 'damson/testing'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Child extends Process<typeof Child> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('tol', { schema: { type: 'number' }, default: 1 })
      .output('sum', { schema: { type: 'number' } })
      .signal('go')
      .returns({ schema: { type: 'string' } })
  }
  override run() {
    return 'text'
  }
}
class Bare extends Process {}

export class Steps extends Process<typeof Steps> {
  static override define(spec: ProcessSpec) {
    return spec
      .exposeInputs(Child, { namespace: 'child' })
      .exposeInputs(Child, { namespace: 'part', exclude: ['a'] })
      .exposeOutputs(Child)
      .output('deep.er', { schema: { type: 'number' } })
      .signal('approval', { schema: { type: 'boolean' } })
      .signal('cancel')
  }
  declare ctx: { jobs: string[] }

  override async run() {
    const receipt = await this.effect('charge', ({ idempotencyKey, signal }) => {
      expectType<Equal<typeof idempotencyKey, string>>()
      expectType<Equal<typeof signal, AbortSignal>>()
      return { id: idempotencyKey.length }
    })
    expectType<Equal<typeof receipt, { id: number }>>()
    const later = await this.effect('later', async () => 1, { recordFailure: true })
    expectType<Equal<typeof later, number>>()
    const made = await this.effect('made', (context: EffectContext) => Promise.resolve(context))
    expectType<Equal<typeof made, EffectContext>>()
    // @ts-expect-error there is no such option
    await this.effect('charge', () => 1, { recordFailures: true })

    const nothing = await this.sleep('cool down', '3d')
    expectType<Equal<typeof nothing, void>>()
    await this.sleep('cool down', 500, { evict: true })

    const approved = await this.receive('approval', { timeout: '3d', as: 'first' })
    expectType<Equal<typeof approved, boolean>>()
    const cancelled = await this.receive('cancel')
    expectType<Equal<typeof cancelled, unknown>>()
    // @ts-expect-error there is no such signal
    await this.receive('aproval')

    const child = await this.launch(Child, this.exposedInputs(Child, 'child'), {
      retry: { attempts: 3, backoff: { initial: '1s' } },
      deadline: new Date(),
      delay: '1h',
      abandon: true,
    })
    const bare = await this.launch(Bare)
    const one = await this.join('one', child)
    expectType<Equal<typeof one, string>>()
    const list = await this.join('list', [child, child])
    expectType<Equal<typeof list, [string, string]>>()
    const handles: ProcessHandle<string>[] = [child]
    const many = await this.join('many', handles)
    expectType<Equal<typeof many, string[]>>()
    const named = await this.join('named', { child, bare })
    expectType<Equal<typeof named, { child: string; bare: unknown }>>()
    // @ts-expect-error a promise of a handle is no handle
    await this.join('promised', this.launch(Bare))

    expectType<Equal<typeof this.attempt, number>>()
    await this.checkpoint('before')
    // @ts-expect-error a child takes signals by their names
    await child.signal('stop')
    await child.signal('go')
    this.outMany(await this.exposedOutputs(child, Child))
    this.outMany(this.exposedOutputs({ sum: 1 }, Child))
    this.outMany({ sum: 1, 'deep.er': 2 })
    this.outMany({ sum: undefined, deep: { er: 2 } })
    // @ts-expect-error there is no such output
    this.outMany({ smu: 1 })
    // @ts-expect-error it is a number
    this.outMany({ 'deep.er': 'two' })
    const exposed = this.exposedInputs(Child, 'child')
    expectType<Equal<typeof exposed.a, number>>()
    // @ts-expect-error what was excluded is missing
    await this.launch(Child, this.exposedInputs(Child, 'part'))
    // @ts-expect-error nothing else is in the context
    void this.ctx.job
    return new Wait(this.woken, { receive: 'approval', for: '1h', on: { child, bare }, any: true })
  }
  woken(_value: unknown, wake: Wake) {
    expectType<Equal<typeof wake.by, 'resume' | 'signal' | 'timer' | 'handles'>>()
    // @ts-expect-error a wait is for handles, not for pids
    return new Wait(this.woken, { on: ['pid'] })
  }
}

export class Chain extends WorkChain<typeof Chain> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.input('a', { schema: { type: 'number' } }).outline(Chain.prototype.begin)
  }
  declare ctx: { volumes: string[]; ends: Settled<string>[]; deep: { one?: string }; plain: number }

  async begin() {
    expectType<Equal<typeof this.inputs.a, number>>()
    const child = await this.launch(Child, { a: 1 })
    this.toContext({ 'deep.one': child, ends: append(allowFailure(child)), plain: 1 })
    // @ts-expect-error it takes a handle
    this.toContext({ volumes: append('child') })
    // @ts-expect-error it takes a handle
    this.toContext({ volumes: allowFailure(this.launch(Bare)) })
    this.ctx.volumes.push('more')
    return toContext({ 'deep.one': child })
  }
}

export async function handles(handle: ProcessHandle<string, typeof Steps>): Promise<void> {
  await handle.signal('approval', true)
  await handle.signal('cancel')
  await handle.signal('cancel', { why: 'no' })
  // @ts-expect-error an approval is a boolean
  await handle.signal('approval', 'yes')
  // @ts-expect-error an approval says something
  await handle.signal('approval')
  expectType<Equal<Awaited<ReturnType<typeof handle.retry>>, boolean>>()
  await handle.kill('enough', { tree: false, force: true })
}

export async function inMemory(given: LaunchInputsOf<typeof Steps>): Promise<void> {
  const process = new Steps(given, { clock: new SimulatedClock() })
  await process.sendSignal('approval', true)
  // @ts-expect-error what steps do by name is theirs
  await process.effect('charge', () => 1)
  // @ts-expect-error the inputs of a child are its own
  new Steps({ child: { a: 'one' } })
}

/** What the function of a transaction gets, and what it gives. */
export class Transacts extends Process {
  override async run(): Promise<void> {
    const row = await this.transaction('a', (tx: SqliteTransaction) => tx.get<{ n: number }>('SELECT 1'))
    expectType<Equal<typeof row, { n: number } | undefined>>()
    const rows = await this.transaction(
      'b',
      async (tx: PostgresTransaction) => (await tx.query<{ n: number }>('')).rows,
    )
    expectType<Equal<typeof rows, { n: number }[]>>()
    await this.transaction('c', (tx) => {
      expectType<Equal<typeof tx, Transaction>>()
      // @ts-expect-error which of the two it is must be known
      tx.run('SELECT 1')
      return tx.kind === 'sqlite' ? tx.run('SELECT 1').changes : tx.query('SELECT 1')
    })
    // @ts-expect-error no store gives this
    await this.transaction('d', (tx: { begin(): void }) => tx.begin())
  }
}
