import { once } from 'node:events'
import { Engine } from 'damson'
import { ThreeSteps } from './processes.ts'

/* A program that is sent the store of its engine, and runs processes until it is let go. */

process.send?.('loaded')
const [store] = (await once(process, 'message')) as [string]
const engine = await Engine.open({ store, processes: [ThreeSteps] })
await once(process, 'disconnect')
await engine.close()
