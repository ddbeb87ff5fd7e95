import { Process, type Client, type FollowOptions, type LogChunk, type Progress } from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

declare const client: Client

export class Reports extends Process<typeof Reports> {
  override run(): void {
    this.print('a line')
    this.print('a line', { stream: 'stderr' })
    this.progress({ done: 1 })
    this.progress({ done: 1, total: 2, message: 'relaxing' })
    this.addEvent('loss', 0.5)
    // @ts-expect-error a number is no text
    this.print(5)
    // @ts-expect-error there is no such stream
    this.print('a line', { stream: 'stdin' })
    // @ts-expect-error `done` is needed
    this.progress({ total: 2 })
    // @ts-expect-error there is no such part of a progress
    this.progress({ done: 1, of: 2 })
    // @ts-expect-error an event has a name
    this.addEvent(5)
  }
}

export async function reads(): Promise<void> {
  const handle = client.handle(Reports, 'p')
  for await (const chunk of handle.logs({ follow: true })) {
    expectType<Equal<typeof chunk, LogChunk>>()
    expectType<Equal<LogChunk['stream'], 'stdout' | 'stderr'>>()
  }
  for await (const event of handle.events()) {
    if (event.name === 'event') expectType<Equal<typeof event.data.data, unknown>>()
    if (event.name === 'effect') expectType<Equal<typeof event.data.name, string>>()
  }
  expectType<Equal<typeof handle.state.progress, Progress | undefined>>()
  expectType<Equal<Parameters<typeof handle.logs>[0], FollowOptions | undefined>>()
  // @ts-expect-error there is no such option
  handle.logs({ folow: true })
  await handle.addEvent('seen', { by: 'Ann' })
}
