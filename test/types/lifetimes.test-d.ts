import {
  type Client,
  MissingResult,
  Process,
  type ProcessError,
  type ProcessGroup,
  type ProcessHandle,
  type ProcessSpec,
  type Retention,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' } })
      .output('sum', { schema: { type: 'number' } })
      .returns({ schema: { type: 'string' } })
  }
}

export async function lifetimes(client: Client): Promise<void> {
  const all: readonly Retention[] = ['keep', 'until-fetched', 'refs', { ttl: '30d' }, { ttl: 1_000 }]
  for (const retention of all) await client.launch(Add, { a: 1 }, { retention })
  // @ts-expect-error no such policy
  await client.launch(Add, { a: 1 }, { retention: 'for ever' })
  // @ts-expect-error a ttl is a duration
  await client.launch(Add, { a: 1 }, { retention: { ttl: true } })
  await using handle: ProcessHandle<string, typeof Add> = await client.launch(Add, { a: 1 })
  expectType<Equal<ReturnType<typeof handle.retain>, void>>()
  expectType<Equal<ReturnType<typeof handle.release>, Promise<void>>>()
  expectType<Equal<ReturnType<typeof handle.purge>, Promise<void>>>()
  expectType<Equal<typeof handle.collectable, boolean>>()
  // @ts-expect-error read-only
  handle.collectable = true
  const size: number = await handle.size({ remoteOnly: true, timeout: '1s' })
  const one: number = await handle.outputs.ref('sum').size({ remoteOnly: true })
  expectType<Equal<Awaited<ReturnType<typeof handle.outputs.done.size>>, 0>>()
  await using group: ProcessGroup<string> = client.group([handle])
  group.retain()
  await group.release()
  await group.purge()
  for await (const value of group.values({ release: true })) expectType<Equal<typeof value, string>>()
  const found: ProcessError | undefined = new MissingResult('pid', 'it is gone')
  void [size, one, found]
}
