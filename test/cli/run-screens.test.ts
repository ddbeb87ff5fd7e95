import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import stringWidth from 'string-width'
import { HAS_MORE, partOf } from '../run/extent.ts'
import { ADD } from './modules.ts'
import { Project } from './project.ts'

const REPORTS = `
import { Process } from 'damson'

export class Reports extends Process {
  run() {
    if (this.inputs.fails) throw new Error('棚に紙がありません: there is no paper on the shelf, and the next delivery is on Monday')
    for (const city of ['東京', '大阪', '札幌'])
      this.out('sales.' + city, { parcels: [12, 7, 40], best: 'a parcel with a long name for ' + city, at: new Date(0) })
  }
  static define(spec) {
    super.define(spec)
    return spec.input('fails', { required: false }).outputNamespace('sales', { dynamic: true })
  }
}
`

let project: Project
beforeAll(() => {
  project = new Project({ 'add.ts': ADD, 'reports.ts': REPORTS })
})
afterAll(() => project[Symbol.asyncDispose]())

const SCREENS: Readonly<Record<string, readonly string[]>> = {
  'nested outputs': ['reports.ts'],
  'a failure': ['reports.ts', '-i', '{"fails": true}'],
  'an exit code': ['add.ts', '-i', '{"a": 200}'],
  'wrong inputs': ['add.ts', '-i', '{"b": -1}'],
}
const COLOUR = new RegExp(String.raw`\u001B\[\d+m`, 'g')

describe.each(partOf(Object.keys(SCREENS), (name) => name === 'nested outputs'))('a run with %s', (name) => {
  interface Screen {
    /** All that is on the screen in the end, with the same pid each time. */
    readonly text: string
    readonly stdout: string
  }

  const screen = async (env: NodeJS.ProcessEnv): Promise<Screen> => {
    const { code, stdout, stderr } = await project.damson(['run', ...(SCREENS[name] ?? [])], { env })
    const [pid] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(stderr) ?? ['none']
    const named = stderr.replaceAll(pid, 'PID').replaceAll(/(?<=show )[0-9a-f]{6,}/g, 'SHORT')
    return { text: `${stdout}${named}exit code ${code}\n`, stdout }
  }

  it('is as recorded at 80 and 200 columns, and the same with colours', HAS_MORE, async () => {
    const [narrow, wide, coloured] = await Promise.all([
      screen({ COLUMNS: '80' }),
      screen({ COLUMNS: '200' }),
      screen({ COLUMNS: '80', NO_COLOR: undefined, FORCE_COLOR: '1' }),
    ])
    const file = `screens/run-${name.replaceAll(' ', '-')}`
    await expect(narrow.text).toMatchFileSnapshot(`${file}-80.txt`)
    await expect(wide.text).toMatchFileSnapshot(`${file}-200.txt`)
    for (const line of narrow.stdout.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(80)
    expect(coloured.text.replaceAll(COLOUR, '')).toBe(narrow.text)
    expect(coloured.text.includes('\u001B[')).toBe(name === 'nested outputs')
  })
})
