import { expect, it } from 'vitest'
import { LiveLine, type LiveStream } from '../../src/cli/render/live-line.ts'

const CLEAR = '\r\u001B[K'

/** A terminal of 20 columns, behind stderr and stdout. */
function terminal(): {
  readonly written: string[]
  readonly stderr: LiveStream
  readonly stdout: LiveStream
} {
  const written: string[] = []
  const stream = (): LiveStream => ({
    isTTY: true,
    columns: 20,
    write: (chunk: string | Uint8Array) => {
      written.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
      return true
    },
  })
  return { written, stderr: stream(), stdout: stream() }
}

it('is cleared before any other output, and is no wider than the terminal', () => {
  const { written, stderr, stdout } = terminal()
  const line = new LiveLine(stderr, [stdout])
  line.show('1 s  Relax  running')
  line.show('2 s  Relax  running, pausing')
  stdout.write('an output\n')
  stderr.write('a warning\n')
  line.show('3 s')
  stdout.write(new TextEncoder().encode('bytes\n'))
  line.show('4 s')
  line.end()
  expect(written).toEqual([
    '\r1 s  Relax  running\u001B[K',
    '\r2 s  Relax  runnin…\u001B[K',
    CLEAR,
    'an output\n',
    'a warning\n',
    '\r3 s\u001B[K',
    CLEAR,
    'bytes\n',
    '\r4 s\u001B[K',
    CLEAR,
  ])
})

it('waits until an output has ended its line, and leaves the streams alone at its end', () => {
  const { written, stderr, stdout } = terminal()
  const { write } = stdout
  const line = new LiveLine(stderr, [stdout])
  stdout.write('half a ')
  line.show('1 s')
  stdout.write('')
  line.show('2 s')
  stdout.write('line\n')
  line.show('3 s')
  line.end()
  expect(stdout.write).toBe(write)
  expect(written).toEqual(['half a ', '', 'line\n', '\r3 s\u001B[K', CLEAR])
})
