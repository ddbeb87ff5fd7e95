import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { compiled } from '../programs/compiled.ts'

it('a program that has used all waits for groups, with failures that nobody read, ends by itself', async () => {
  const program = compiled('test/programs/groups-program.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { timeout: 60_000 })
  expect({ stdout, stderr }).toEqual({ stdout: 'false 0,1,,3,4,5\n', stderr: '' })
}, 90_000)
