import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { compiled } from '../programs/compiled.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'

/** Bytes of memory for each launched process of a group, while no handle of it is held. */
const LIMIT = 200

test.each(partOf(['client', 'engine'], (by) => by === 'client'))(
  'a process that an %s has launched in a group takes less than 200 bytes in it, also after its handle',
  { ...HAS_MORE, timeout: 90_000 },
  async (by) => {
    const folder = await mkdtemp(join(tmpdir(), 'damson-memory-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const program = compiled('test/programs/group-memory-program.ts')
    const { stdout } = await promisify(execFile)(process.execPath, [program, by, join(folder, 'test.db')])
    const { length, launched, letGo } = JSON.parse(stdout) as Record<string, number>
    expect(length).toBe(30_000)
    expect(launched).toBeLessThan(LIMIT)
    expect(letGo).toBeLessThan(LIMIT)
  },
)
