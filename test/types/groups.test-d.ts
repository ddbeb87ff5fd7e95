import {
  type AbortedPids,
  type Client,
  type GroupRecord,
  joinGroups,
  type Metadata,
  Process,
  type ProcessError,
  type ProcessGroup,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    return spec.input('a', { schema: { type: 'number' } }).returns({ schema: { type: 'string' } })
  }
}

export async function groups(client: Client): Promise<void> {
  const handle = await client.launch(Add, { a: 1 })
  const group = client.group([handle, 'a pid'])
  expectType<Equal<typeof group, ProcessGroup<string>>>()
  const untyped = client.group(['a pid'])
  expectType<Equal<typeof untyped, ProcessGroup>>()
  const stated = client.group<number>(['a pid'])
  expectType<Equal<typeof stated, ProcessGroup<number>>>()

  const results = await group.result()
  expectType<Equal<typeof results, string[]>>()
  const all = await group.result({ returnWhen: 'all', timeout: '5s' })
  expectType<Equal<typeof all, string[]>>()
  const orErrors = await group.result({ raiseOnFailure: false })
  expectType<Equal<typeof orErrors, (string | ProcessError)[]>>()
  const soFar = group.results()
  expectType<Equal<typeof soFar, (string | null)[]>>()
  const outcomes = await group.outcomes()
  expectType<Equal<typeof outcomes, Settled<string>[]>>()
  for await (const value of group) expectType<Equal<typeof value, string>>()
  for await (const value of group.values({ raiseOnFailure: false }))
    expectType<Equal<typeof value, string | ProcessError>>()
  for await (const one of group.asCompleted({ timeout: '1m' }))
    expectType<Equal<typeof one, ProcessHandle<string>>>()
  for (const one of group) expectType<Equal<typeof one, ProcessHandle<string>>>()
  const { done, pending } = await group.wait({ returnWhen: 2 })
  expectType<Equal<typeof done, ProcessHandle<string>[]>>()
  expectType<Equal<typeof pending, ProcessHandle<string>[]>>()
  const byWorker = await group.byWorker()
  expectType<Equal<typeof byWorker, Map<string, string>>>()
  const submitted = await group.field('submitted')
  expectType<Equal<typeof submitted, (Date | null)[]>>()
  const metadata = await group.metadata()
  expectType<Equal<typeof metadata, Metadata[]>>()
  const aborted = await group.abort()
  expectType<Equal<typeof aborted, AbortedPids>>()
  const joined = joinGroups(group, group.slice(1))
  expectType<Equal<typeof joined, ProcessGroup<string>>>()
  const saved = group.toJSON()
  expectType<Equal<typeof saved, GroupRecord>>()
  const opened = await client.openGroup<number>('file.json')
  expectType<Equal<typeof opened, ProcessGroup<number>>>()
  const again = await client.resubmit(handle)
  expectType<Equal<typeof again, ProcessHandle<string>>>()
  const several = await client.resubmit([handle])
  expectType<Equal<typeof several, ProcessGroup<string>>>()

  // @ts-expect-error no such condition
  await group.wait({ returnWhen: 'any' })
  // @ts-expect-error a result can't come from some of the processes
  await group.result({ returnWhen: 'first-completed' })
  // @ts-expect-error no such field
  await group.field('colour')
  // @ts-expect-error a promise is no handle
  client.group([client.launch(Add, { a: 1 })])
  // @ts-expect-error members can't be changed
  group.pids.push('a')
}
