import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.ts'

const FOLDER = 'persistence/sqlite'
const LEFT_OVER = [
  'heartbeat-worker-source.js.map',
  'heartbeat-worker.cjs',
  'heartbeat-worker.cjs.map',
  'heartbeat-worker.d.cts',
]

/**
 * Puts the text of the heartbeat's worker into the module that hands it to the thread, where the sources were compiled to. So a
 * bundler takes it along with the rest, and no file has to be found at run time.
 */
export function inlineWorker(compiled: string): void {
  const text = readFileSync(join(root, 'src', FOLDER, 'heartbeat-worker.cjs'), 'utf8')
  writeFileSync(
    join(compiled, FOLDER, 'heartbeat-worker-source.js'),
    `export const HEARTBEAT_SOURCE = ${JSON.stringify(text)}\n`,
  )
  for (const name of LEFT_OVER) rmSync(join(compiled, FOLDER, name), { force: true })
}
