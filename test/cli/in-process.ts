import { main } from '../../src/cli/program.ts'

/** The end of a command. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line without another program, which is faster: for commands that neither stop nor load much. */
export async function damson(...args: readonly string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' }
  const { exitCode } = process
  const ways = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name]
    process[name].write = (text: string | Uint8Array) => {
      said[name] += String(text)
      return true
    }
    return () => {
      process[name].write = write
    }
  })
  // `--json` of a command that runs processes leads what they print to stderr.
  const { console } = globalThis
  process.exitCode = undefined
  try {
    const code = await main(args)
    return { code, ...said }
  } finally {
    for (const restore of ways) restore()
    globalThis.console = console
    process.exitCode = exitCode
  }
}
