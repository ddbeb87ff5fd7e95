// @module-tag more
import { describe, expect, onTestFinished, test } from 'vitest'
import { ADD, SEVERAL } from '../cli/modules.ts'
import { Project } from '../cli/project.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test(
    'damson runs, shows, controls and prunes processes of a database, and prints no password',
    { ...HAS_MORE, timeout: 120_000 },
    async () => {
      const project = new Project({ 'add.ts': ADD, 'several.ts': SEVERAL })
      onTestFinished(() => project[Symbol.asyncDispose]())
      const url = new URL(await newDatabase())
      // The server of the tests lets everyone in.
      url.password = 'secret-word'
      const said: string[] = []
      const damson = async (...args: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await project.damson([...args, '--store', url.href])
        said.push(stdout, stderr)
        expect({ args, code, stderr: code === 0 ? '' : stderr }).toEqual({ args, code: 0, stderr: '' })
        return stdout
      }
      const pidOf = (text: string): string => (JSON.parse(text) as { readonly pid: string }).pid
      const added = pidOf(await damson('run', 'add.ts', '-i', '{"a": 2}', '--json'))
      const held = pidOf(await damson('run', 'several.ts', 'Hold', '--no-wait', '--json'))
      expect(await damson('list', '--json')).toContain(held)
      expect(await damson('show', added)).toContain('finished')
      expect(await damson('history', added)).toContain('finished')
      expect(await damson('status')).toContain('1')
      await damson('kill', held)
      expect(await damson('show', held)).toContain('killed')
      await damson('prune', '--yes')
      expect(await damson('list', '--all', '--json')).not.toContain(added)
      expect(said.join('\n')).not.toContain('secret-word')
    },
  )
})
