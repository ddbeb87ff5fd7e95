#!/usr/bin/env node
import { exitWritten, watchOutput } from './render/broken-output.ts'
import { main } from './program.ts'

watchOutput()
// What a module of the user has left running must not keep the program alive; what was printed has to be out first.
exitWritten(await main(process.argv.slice(2)))
