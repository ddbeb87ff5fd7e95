#!/usr/bin/env node
import { main } from './program.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read along has gone, as `head` does: nothing is left to say.
  if (error.code === 'EPIPE') process.exit()
  throw error
})

const code = await main(process.argv.slice(2))
// What a module of the user has left running must not keep the program alive; what was printed has to be out first.
process.stdout.write('', () => process.exit(code))
