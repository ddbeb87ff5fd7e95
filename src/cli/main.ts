#!/usr/bin/env node
import { exitWritten, watchOutput } from './render/broken-output.ts'
import { main } from './program.ts'

watchOutput()
// Exits explicitly, since timers that a user's module left running would keep the program alive.
exitWritten(await main(process.argv.slice(2)))
