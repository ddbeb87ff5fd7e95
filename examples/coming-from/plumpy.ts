/** For users of plumpy: ports, a process in memory, one that is launched, paused and played, and how it is saved and loaded. */
import { Bundle, Client, Continue, Engine, MemoryStore, Process, Wait, type ProcessSpec } from 'damson'

class Invoice extends Process<typeof Invoice> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('net', { schema: { type: 'number' }, help: 'without tax' })
      .input('tax.rate', { schema: { type: 'number' }, default: 0.25 })
      .output('gross', { schema: { type: 'number' } })
      .output('approval.by', { schema: { type: 'string' } })
  }

  override run() {
    return new Continue(this.addTax)
  }

  addTax() {
    this.out('gross', this.inputs.net * (1 + this.inputs.tax.rate))
    return new Wait(this.approve, { message: 'for an approval' })
  }

  approve(by: string) {
    this.out('approval.by', by)
  }
}

// As `Process(inputs)` and its steps: in memory, without a store.
const local = new Invoice({ net: 80 })
while (local.state !== 'waiting') await local.step()

// As a persister: a checkpoint has all of the process, and another object goes on from it.
const persister = new MemoryStore()
await persister.saveCheckpoint(Bundle.from(local))
const loaded = (await persister.loadCheckpoint(local.pid)).unbundle({ processes: [Invoice] })
await loaded.resume('Ada')
console.log(await loaded.execute())
await persister.close()

// As a daemon and a controller: an engine runs what is in the file, and a client sends it requests. No broker is needed.
const store = 'invoices.db'
const client = await Client.open({ store, create: true })
const invoice = await client.launch(Invoice, { net: 100, tax: { rate: 0.07 } })
await invoice.pause('closed on Sunday')
await invoice.resume('Grace')

// The engine saves a process at each step by itself. This one leaves the paused process alone.
const daemon = await Engine.open({ store, processes: [Invoice] })
const { label, paused, message } = await invoice.refresh()
console.log(label, paused, message)
await daemon.close()

// Another program, later: it has the pid, and goes on from the file.
await using again = await Engine.open({ store, processes: [Invoice] })
const same = again.handle(Invoice, invoice.pid)
await same.play()
console.log(await same.outputs.all())
console.log(same.state.label, same.successful())
await client.close()
