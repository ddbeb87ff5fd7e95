/** Prints `N passed, N failed` over all runs of tests that wrote their counts to the file that it is given. */
import { readFileSync } from 'node:fs'

const [file = ''] = process.argv.slice(2)
const runs = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line))
const sum = (name) => runs.reduce((total, run) => total + run[name], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
