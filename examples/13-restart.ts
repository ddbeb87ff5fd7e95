/**
 * A failed process can be restarted from where it was, without repeating earlier steps and without
 * paying twice.
 *
 * The old process stays as it is. The new one names the process that it was made from.
 */
import { Engine, WorkChain, type WorkChainSpec } from 'damson'

/** The world outside, which is mended in between. */
const world = { downloads: 0, licences: 0, keys: new Set<string>(), converterWorks: false }

class Convert extends WorkChain<typeof Convert> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('file', { schema: { type: 'string' } })
      .output('result', { schema: { type: 'string' } })
      .outline(Convert.prototype.download, Convert.prototype.convert, Convert.prototype.publish)
  }

  declare ctx: { text: string }

  download() {
    world.downloads += 1
    this.ctx.text = `text of ${this.inputs.file}`
  }

  async convert() {
    // From here the process can be restarted at any later time, even after a successful end.
    await this.checkpoint('downloaded')
    await this.effect('buy a licence', ({ idempotencyKey }) => {
      world.licences += 1
      world.keys.add(idempotencyKey)
    })
    if (!world.converterWorks) throw new Error('the converter crashed')
    this.ctx.text = this.ctx.text.toUpperCase()
  }

  publish() {
    this.out('result', this.ctx.text)
  }
}

const engine = await Engine.open({ store: 'restart.db', processes: [Convert] })
const failed = await engine.launch(Convert, { file: 'a.txt' })
const first = await failed.wait()
console.log(`${first?.label}: ${first?.message}`)

world.converterWorks = true
const restarted = await engine.restart(failed.pid)
console.log(await restarted.outputs.all())
console.log(`downloads: ${world.downloads}, licences: ${world.licences}`)
console.log(`the old one is still ${(await failed.refresh()).label}`)

const [row] = (await engine.list({ text: restarted.pid })).processes
console.log(`the new one is a ${row?.origin?.kind} of it: ${row?.origin?.pid === failed.pid}`)

// From a checkpoint by its tag: the step runs once more, with its effects recorded as they were then.
const again = await engine.restart(restarted.pid, { from: 'downloaded' })
console.log(await again.outputs.all())
console.log(`downloads: ${world.downloads}, licences: ${world.licences}, keys: ${world.keys.size}`)

// From the inputs alone.
const anew = await engine.resubmit(failed.pid)
console.log(await anew.outputs.all())
console.log(`downloads: ${world.downloads}, licences: ${world.licences}, keys: ${world.keys.size}`)

await engine.close()
