import { LocalCommunicator } from '../../src/index.ts'
import { communicatorSuite } from './communicator-suite.ts'

communicatorSuite('LocalCommunicator', async () => {
  const communicator = new LocalCommunicator()
  return { open: async () => communicator, close: () => communicator.close() }
})
