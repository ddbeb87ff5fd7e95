import { constants } from 'node:os'
import { note } from './output.ts'
import { stopListeners } from '../input/stop-signal.ts'
import { ExitCode } from '../input/exit-code.ts'

let failure: NodeJS.ErrnoException | undefined

/**
 * Stops the command when its output can't be written, because the reader closed it or the disk is
 * full. An engine then stops as on SIGTERM: its steps end, and it gives back its processes (C12). A
 * command without an engine ends at once.
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
  // A reader that closed the output needs no message.
  if (!isGone(error)) note(`the output could not be written: ${error.message}`)
}

/** Ends the program once its output is written. A command whose output was lost has failed. */
export function exitWritten(code: number): void {
  process.stdout.write('', (error) => {
    const lost = process.stdout.errored ?? error
    if (failure === undefined && lost != null) report(lost)
    process.exit(failure !== undefined && code === ExitCode.DONE ? failedCode(failure) : code)
  })
}

/** Returns the exit code. If the reader closed the output, it is that of a program ended by SIGPIPE. */
function failedCode(error: NodeJS.ErrnoException): number {
  return isGone(error) ? 128 + constants.signals.SIGPIPE : ExitCode.FAILED
}

function isGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE'
}
