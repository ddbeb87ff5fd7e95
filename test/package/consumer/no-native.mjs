// What loads when: `damson` no native module, so that it can be imported where better-sqlite3 can't be.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const { cache } = createRequire(import.meta.url)
const opened = []
const dlopen = process.dlopen
process.dlopen = (module, file, ...rest) => {
  opened.push(file)
  return dlopen.call(process, module, file, ...rest)
}
// better-sqlite3 opens its binary with the first database: that its script is loaded is the mistake already.
const driver = () => Object.keys(cache).filter((file) => file.includes('better-sqlite3'))

const damson = await import('damson')
assert.deepEqual(opened, [], 'importing damson loaded a native module')
assert.deepEqual(driver(), [], 'importing damson loaded better-sqlite3')
for (const name of ['DamsonError', 'PortValidationError', 'ProcessKilled']) {
  assert.equal(typeof damson[name], 'function', `damson exports no ${name}`)
}

for (const entry of ['damson/sqlite', 'damson/testing']) {
  assert.notDeepEqual(Object.keys(await import(entry)), [], `${entry} exports nothing`)
}
assert.notDeepEqual(driver(), [], 'importing damson/sqlite did not load better-sqlite3')
