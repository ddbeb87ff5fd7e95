/** Makes dist/ from src/: JavaScript, declarations, source maps. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { inlineWorker } from './inline-worker.ts'
import { compilers, node, root } from './run.ts'

rmSync(join(root, 'dist'), { recursive: true, force: true })
node([compilers.newest, '--project', 'tsconfig.build.json'])
inlineWorker(join(root, 'dist'))
