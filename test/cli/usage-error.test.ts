import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { ADD, SEVERAL } from './modules.ts'
import { Project } from './project.ts'

let project: Project
beforeAll(async () => {
  project = new Project({
    'add.ts': ADD,
    'several.ts': SEVERAL,
    'plain.ts': 'export const a = 1\nexport default function f() {}',
    'broken.ts': 'export const a = {\n',
    'throws.ts': `export const a = 1\nthrow new TypeError('no licence')`,
    'spec.ts': `
      import { Process } from 'damson'
      export class Wrong extends Process {
        static override define(spec: never) { (spec as any).input('a', { schema: { type: 'number' }, default: 'x' }) }
      }`,
    'in.json': '{\n  "a": 1,\n  "b": oops\n}',
    'text.db': 'this is no database, and long enough to be seen as none: '.repeat(20),
  })
  await using client = await Client.open({ store: project.store, create: true })
  await client.launch('Add', { a: 1 }, { pid: 'abc-1' })
  await client.launch('Add', { a: 1 }, { pid: 'abc-2' })
  await using other = await Client.open({ store: `${project.folder}/one.db`, create: true })
  await other.launch('Add', { a: 1 }, { pid: 'the only one' })
})
afterAll(() => project[Symbol.asyncDispose]())

describe('wrong use exits with 2, prints nothing on stdout, and says what is right', () => {
  it.each<[string, string[], RegExp[]]>([
    ['an unknown command', ['lst'], [/unknown command 'lst'/, /Did you mean list\?/]],
    ['an unknown option', ['list', '--lmit', '3'], [/unknown option '--lmit'/, /Did you mean --limit\?/]],
    ['no command', [], [/Usage: damson/]],
    ['a missing argument', ['show'], [/say which process: give its pid, or its key with --key/]],
    ['an empty argument', ['kill', '', '--store', 'one.db'], [/say which process/]],
    ['a number that is none', ['list', '--limit', 'x'], [/give a whole number from 1/]],
    ['a state that is none', ['list', '--state', 'runing'], [/no state 'runing'; did you mean 'running'\?/]],
    ['a duration that is none', ['pause', 'abc-1', '--timeout', 'soon'], [/"soon" is not a duration/]],
    ['an unknown pid', ['show', 'xyz'], [/no process xyz in this store/, /damson list --all/]],
    [
      'an ambiguous pid',
      ['kill', 'abc'],
      [/several pids begin or end with abc/, /abc-1 +Add +created/, /abc-2/],
    ],
    ['pids and --all', ['kill', 'abc-1', '--all'], [/pids or --all, not both/]],
    ['nothing to pause', ['pause'], [/say what to pause: pids, --key KEY, --group NAME, or --all/]],
    ['a filter without --all', ['kill', 'abc-1', '--class', 'Add'], [/go with --all/]],
    ['a store that is not there', ['list', '--store', 'dmson.db'], [/no store dmson\.db/, /DAMSON_STORE/]],
    ['a store that is no database', ['list', '--store', 'text.db'], [/text\.db/]],
    ['a module that is not there', ['run', 'ad.ts'], [/no module ad\.ts; did you mean add\.ts\?/]],
    [
      'a module without a process',
      ['run', 'plain.ts'],
      [/exports no class that extends Process; it exports a/],
    ],
    ['a module that is no TypeScript', ['run', 'broken.ts'], [/can't load broken\.ts/]],
    [
      'a module that throws',
      ['run', 'throws.ts'],
      [/can't load throws\.ts: TypeError: no licence/, /throws\.ts:2/],
    ],
    ['a wrong spec', ['describe', 'spec.ts'], [/the default of the port 'a' does not fit/]],
    ['several classes', ['run', 'several.ts'], [/several process classes; say which one: Fail, Hold/]],
    [
      'a class that is not there',
      ['run', 'several.ts', 'Hodl'],
      [/no process class Hodl; did you mean Hold\?/],
    ],
    [
      'a file that is not there',
      ['run', 'add.ts', '-i', 'no.json'],
      [/can't read the file no\.json/, /- for stdin/],
    ],
    [
      'JSON that is none',
      ['run', 'add.ts', '-i', 'in.json'],
      [/in\.json is not valid JSON: line 3, column 8/],
    ],
    [
      'JSON that ends early',
      ['run', 'add.ts', '-i', '{"a": 1'],
      [/--inputs is not valid JSON: line 1, column 8/],
    ],
    [
      'a number that would become another one',
      ['run', 'add.ts', '-i', '{"b": "9007199254740993",\n "a": 9007199254740993}'],
      [
        /--inputs: line 2, column 7: 9007199254740993 can't be kept exactly and would become 9007199254740992/,
        /give it as a string, or as a bigint: \{"\$": "bigint", "value": "9007199254740993"\}/,
      ],
    ],
    [
      'a number beyond all numbers',
      ['run', 'add.ts', '-i', '{"a": 1e400}'],
      [/1e400 can't be kept exactly and would become Infinity; give it as a string/],
    ],
    ['inputs that are no object', ['run', 'add.ts', '-i', '[1]'], [/must hold an object/]],
  ])('%s', async (_, args, messages) => {
    // Nothing is run.
    const { code, stdout, stderr } = await project.damson(args, undefined, false)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    for (const message of messages) expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/^\s+at .*(src|node_modules)\//m)
  })

  it('inputs that do not fit: all problems, one on each line', async () => {
    const { code, stderr } = await project.damson([
      'run',
      'add.ts',
      '-i',
      '{"a": "x", "b": -1, "optoins": {}}',
    ])
    expect(code).toBe(2)
    expect(stderr.trimEnd().split('\n').slice(1)).toEqual([
      expect.stringMatching(/^ {2}inputs\.a: /),
      expect.stringMatching(/^ {2}inputs\.b: /),
      expect.stringMatching(/^ {2}inputs\.optoins: .*options/),
    ])
  })
})

describe('help and version', () => {
  it.each(['--help', 'help', '--version', 'kill --help'])('%s exits with 0', async (args) => {
    const { code, stdout, stderr } = await project.damson(args.split(' '))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toBe('')
  })
})
