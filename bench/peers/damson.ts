import { join } from 'node:path'
import { Continue, Engine, Process, type ProcessHandle, type ProcessSpec } from 'damson'
import { STEPS, type Kind, type Launched } from './engine.ts'
import { gate } from './gate.ts'
import { serve } from './serve.ts'

function number(spec: ProcessSpec) {
  return spec.input('input', { schema: { type: 'number' } }).output('result', { schema: { type: 'number' } })
}

class One extends Process<typeof One> {
  static override define(spec: ProcessSpec) {
    return number(spec)
  }
  override run() {
    this.out('result', this.inputs.input + 1)
  }
}

class Three extends Process<typeof Three> {
  static override define(spec: ProcessSpec) {
    return number(spec)
  }
  override run() {
    return new Continue(this.second, this.inputs.input + 1)
  }
  second(sum: number) {
    return new Continue(this.third, sum + 1)
  }
  third(sum: number) {
    this.out('result', sum + 1)
  }
}

class Row extends Process<typeof Row> {
  static override define(spec: ProcessSpec) {
    return number(spec)
  }
  override run() {
    return this.next(this.inputs.input)
  }
  next(sum: number) {
    if (sum + 1 < this.inputs.input + STEPS.row) return new Continue(this.next, sum + 1)
    this.out('result', sum + 1)
    return undefined
  }
}

class Gated extends Process<typeof Gated> {
  static override define(spec: ProcessSpec) {
    return number(spec)
  }
  override run() {
    return new Continue(this.second, this.inputs.input + 1)
  }
  async second(sum: number) {
    await gate.enter(this.inputs.input)
    return new Continue(this.third, sum + 1)
  }
  third(sum: number) {
    this.out('result', sum + 1)
  }
}

const classes = { one: One, three: Three, row: Row, gated: Gated } as const

serve(async ({ folder, database, concurrency }) => {
  const engine = await Engine.open({
    store: database ?? join(folder, 'damson.db'),
    processes: Object.values(classes),
    concurrency,
  })
  return {
    launch: async (kind: Kind, input: number) => launched(await engine.launch(classes[kind], { input })),
    find: async (kind: Kind, _input: number, pid: string) => launched(engine.handle(classes[kind], pid)),
    close: () => engine.close(),
  }
})

function launched(handle: ProcessHandle<unknown, (typeof classes)[Kind]>): Launched {
  return {
    id: handle.pid,
    result: async () => (await handle.outputs.all()).result,
  }
}
