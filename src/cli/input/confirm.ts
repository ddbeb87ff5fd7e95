import { createInterface } from 'node:readline'
import { UsageError } from './usage-error.ts'

/**
 * Asks for confirmation with `question`; the answer is y or n. Ctrl-C and the end of the input
 * count as no.
 *
 * @throws UsageError if there is no terminal; `how` names the option to give instead
 */
export async function confirm(question: string, how: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new UsageError(how)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await new Promise<string>((resolve) => {
      terminal.once('close', () => resolve(''))
      terminal.question(`${question} [y/N] `, resolve)
    })
    return /^y(es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
