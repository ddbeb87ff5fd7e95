/* An engine whose program is killed when it is about to acknowledge its first task. */
import { Engine, ProcessLauncher } from '../../src/index.ts'
import { RabbitCommunicator, type RabbitOptions } from '../../src/communication/rabbitmq/index.ts'
import { Sleeper } from './sleeper.ts'

const { KILLED_STORE: store = '', KILLED_URL: url = '', KILLED_NAMES: names = '{}' } = process.env
const communicator = await RabbitCommunicator.connect({
  url,
  ...(JSON.parse(names) as Partial<RabbitOptions>),
})
const engine = await Engine.open({ store, processes: [Sleeper], communicator, handleSignals: false })
const { receive } = new ProcessLauncher(engine)
await communicator.addTaskSubscriber((task, context) =>
  receive(task, { ...context, accept: () => void process.kill(process.pid, 'SIGKILL') }),
)
