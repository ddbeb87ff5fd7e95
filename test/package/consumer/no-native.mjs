// Importing `damson` loads no native module; `damson/sqlite` does.
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

await import('damson/testing')
assert.deepEqual(loaded, [], 'importing damson/testing loaded a native module')
