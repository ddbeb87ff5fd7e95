import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Reporter } from 'vitest/node'
import { PGBOUNCER } from '../postgres/pgbouncer.ts'
import { POSTGRES, POSTGRES_FOLDER } from '../postgres/server.ts'
import { extent } from './extent.ts'

/** Tests that need a server. */
interface Tests {
  readonly server: string
  /** The variable of the environment that is 1 where they are to run. */
  readonly variable: string
  /** What installs the server on Debian. */
  readonly packages: string
  readonly isInstalled: boolean
  /** Whether suites that run without the server can run over it too, with `all` in place of 1. */
  readonly hasSuites: boolean
}

/** Tests that need a server, which start one where its programs are installed. */
const NEED_SERVERS: readonly Tests[] = [
  {
    server: 'Postgres',
    variable: 'DAMSON_POSTGRES',
    packages: 'postgresql pgbouncer',
    isInstalled: POSTGRES_FOLDER !== undefined,
    hasSuites: true,
  },
  {
    server: 'RabbitMQ',
    variable: 'DAMSON_RABBITMQ',
    packages: 'rabbitmq-server python3-pika python3-yaml',
    isInstalled: isThere('rabbitmq-server'),
    hasSuites: false,
  },
]

/** Says at the end which tests were left out because they need a server, and how they are run. */
export class LeftOut implements Reporter {
  onTestRunEnd(): void {
    for (const line of leftOut(NEED_SERVERS, process.env)) console.log(line)
    if (POSTGRES !== undefined && PGBOUNCER === undefined)
      console.log(
        'left out: the tests behind PgBouncer, which is not installed here: apt-get install pgbouncer',
      )
  }
}

/** A line for each kind of tests that was left out. */
function leftOut(
  all: readonly Tests[],
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return all.flatMap(({ server, variable, packages, isInstalled, hasSuites }) => {
    const asked = environment[variable]
    if (asked === 'all' && extent !== 'some') return []
    if (asked === '1' && extent !== 'some')
      return hasSuites
        ? [
            `left out: the suites of other stores over ${server}; DAMSON_TESTS=more ${variable}=all npm test runs them`,
          ]
        : []
    const install = isInstalled ? '' : `, which is not installed here: apt-get install ${packages}`
    return [
      `left out: the tests on a server of ${server}${install}; DAMSON_TESTS=more ${variable}=1 npm test starts one and runs them`,
    ]
  })
}

/** Whether a program is where the system looks for programs, or where Debian has servers. */
function isThere(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.some((folder) => existsSync(join(folder, program)))
}
