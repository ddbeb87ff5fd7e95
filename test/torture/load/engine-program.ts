import { Engine } from '../../../src/index.ts'
import { classes } from './classes.ts'
import { here, log, given } from './here.ts'
import { Ledger } from './ledger.ts'
import { logger, opened } from './opening.ts'

/** Runs processes until it is stopped by a signal. */
const engine = await opened(() =>
  Engine.open({
    store: given.store,
    processes: Object.values(classes),
    actors: [Ledger],
    concurrency: 6,
    lease: given.lease,
    killGrace: 1_500,
    logger,
  }),
)
here.client = engine
log.add({ what: 'engine', id: engine.id })
process.stdout.write(`ready ${engine.id}\n`)
// Whoever started this is gone: nobody would ever stop it.
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume()
if ('unref' in process.stdin) process.stdin.unref()
