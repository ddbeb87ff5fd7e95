/** Makes dist/ from src/: JavaScript, declarations, source maps. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compilers, node, root } from './run.ts'

rmSync(join(root, 'dist'), { recursive: true, force: true })
node([compilers.newest, '--project', 'tsconfig.build.json'])

// The heartbeat's worker runs from its text, which a bundler takes along with the rest.
const sqlite = join(root, 'dist/persistence/sqlite')
const worker = readFileSync(join(root, 'src/persistence/sqlite/heartbeat-worker.cjs'), 'utf8')
writeFileSync(
  join(sqlite, 'heartbeat-source.js'),
  `export const HEARTBEAT_SOURCE = ${JSON.stringify(worker)}\n`,
)
for (const left of [
  'heartbeat-source.js.map',
  'heartbeat-worker.cjs',
  'heartbeat-worker.cjs.map',
  'heartbeat-worker.d.cts',
])
  rmSync(join(sqlite, left), { force: true })
