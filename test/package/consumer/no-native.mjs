// What loads when: `damson` no native module, so that it can be imported where better-sqlite3 can't be.
import assert from 'node:assert/strict'

const loaded = []
const dlopen = process.dlopen
process.dlopen = (module, file, ...rest) => {
  loaded.push(file)
  return dlopen.call(process, module, file, ...rest)
}

const damson = await import('damson')
assert.deepEqual(loaded, [], 'importing damson loaded a native module')
for (const name of ['DamsonError', 'PortValidationError', 'ProcessKilled']) {
  assert.equal(typeof damson[name], 'function', `damson exports no ${name}`)
}

for (const entry of ['damson/sqlite', 'damson/testing']) {
  assert.notDeepEqual(Object.keys(await import(entry)), [], `${entry} exports nothing`)
}
