import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { compiled } from '../programs/compiled.ts'

it('a program that has used all waits for groups, with failures that nobody read, ends by itself', async () => {
  const program = compiled('test/programs/groups-program.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { timeout: 60_000 })
  expect({ stdout, stderr }).toEqual({ stdout: 'false 0,1,,3,4,5\n', stderr: '' })
}, 90_000)

it('a program that has used all of handles, groups, references, output, lifetimes and actors leaves nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'damson-handles-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const program = compiled('test/programs/handles-program.ts')
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--unhandled-rejections=strict', '--trace-warnings', program, folder],
    { timeout: 60_000 },
  )
  expect({ said: JSON.parse(stdout), stderr }).toEqual({
    said: ['fulfilled', {}, 3, 'upstream'],
    stderr: '',
  })
  expect((await readdir(folder)).toSorted()).toEqual(['group.json', 'handle.json', 'test.db'])
}, 90_000)
