// A user's program against the declarations that were packed: compiled by both compilers, then run.
import assert from 'node:assert/strict'
import { DamsonError, PortValidationError, type PortProblem } from 'damson'

const problem: PortProblem = { port: 'inputs.a', message: 'required' }
const error = new PortValidationError([problem])
assert.ok(error instanceof DamsonError)
assert.equal(error.message, 'inputs.a: required')

// @ts-expect-error a problem names its port
export const wrong: PortProblem = { message: 'required' }
