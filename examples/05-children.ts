/** Processes that start other processes: as children in the store, or nested in a step. */
import { Engine, Process, type ProcessSpec } from 'damson'

class CountWords extends Process<typeof CountWords> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('text', { schema: { type: 'string' } }).output('words', { schema: { type: 'integer' } })
  }

  override run() {
    this.out('words', this.inputs.text.split(/\s+/).length)
  }
}

class CountPages extends Process<typeof CountPages> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('title', { schema: { type: 'string' } })
      .input('pages', { schema: { type: 'array', items: { type: 'string' } } })
      .output('title', { schema: { type: 'integer' }, help: 'words in the title' })
      .output('pages', { schema: { type: 'array', items: { type: 'integer' } }, help: 'words on each page' })
  }

  override async run() {
    // Nested: runs here and now, in memory, as part of this step. After a crash it runs again with the step.
    const title = await new CountWords({ text: this.inputs.title }).execute()
    this.out('title', title.words)

    // Children: each is durable once `launch` resolves, and any engine on the store may run it. A step that runs again
    // after a crash finds the children that it had launched; they are not launched twice.
    const children = await Promise.all(this.inputs.pages.map((text) => this.launch(CountWords, { text })))
    // A step that waits for other processes gives its slot away meanwhile.
    const counts = await Promise.all(children.map((child) => child.outputs.all()))
    this.out(
      'pages',
      counts.map(({ words }) => words),
    )
  }
}

// One slot for three processes: the waiting parent does not hold it.
const engine = await Engine.open({ store: 'pages.db', processes: [CountWords, CountPages], concurrency: 1 })
const parent = await engine.launch(CountPages, { title: 'A short book', pages: ['It was night.', 'The end'] })
const { title, pages } = await parent.outputs.all()
console.log(`words in the title: ${title}, on the pages: ${pages.join(' and ')}`)

const { processes } = await engine.list({ parent: parent.pid })
for (const { name, state } of processes) console.log(`child ${name}: ${state.label}`)
await engine.close()
