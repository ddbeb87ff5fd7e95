import { constants } from 'node:os'
import { note } from './output.ts'
import { stopListeners } from '../input/stop-signal.ts'
import { ExitCode } from '../input/usage-error.ts'

let failure: NodeJS.ErrnoException | undefined

/**
 * From here on, output that can't be written (its reader has gone, as `head` does, or the disk is full) stops the command as SIGTERM does: an
 * engine lets its steps end and gives back what it holds (C12). A command that has nothing to stop ends at once.
 */
export function watchOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', fail)
}

function fail(error: NodeJS.ErrnoException): void {
  if (failure !== undefined) return
  report(error)
  if (!stopListeners()) process.exit(failedCode(error))
}

function report(error: NodeJS.ErrnoException): void {
  failure = error
  // Whoever has gone needs no message.
  if (!isGone(error)) note(`the output could not be written: ${error.message}`)
}

/** Ends the program once what was printed is out. A command whose output was lost has not done what was asked. */
export function exitWritten(code: number): void {
  process.stdout.write('', (error) => {
    const lost = process.stdout.errored ?? error
    if (failure === undefined && lost != null) report(lost)
    process.exit(failure !== undefined && code === ExitCode.DONE ? failedCode(failure) : code)
  })
}

/** Where the reader has gone, what a shell shows of a program that SIGPIPE has ended. */
function failedCode(error: NodeJS.ErrnoException): number {
  return isGone(error) ? 128 + constants.signals.SIGPIPE : ExitCode.FAILED
}

function isGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE'
}
