import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder, without a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')

/** The two compilers. npm links `tsc` to either of them, so they are called by their files. */
export const compilers = {
  newest: join(root, 'node_modules/typescript/bin/tsc'),
  oldest: join(root, 'node_modules/ts59/bin/tsc'),
}

/** The file of a command that a development dependency brings. */
export function tool(name: string): string {
  return join(root, 'node_modules/.bin', name)
}

/** A command that did not end with 0; it has said itself what was wrong. */
export class CommandFailed extends Error {}

/** Runs a command with this terminal. Throws `CommandFailed` where it does not end with 0. */
export function run(command: string, args: readonly string[], cwd = root): void {
  const { status, signal, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
  if (error !== undefined) throw error
  if (status !== 0) throw new CommandFailed(`${command} ${args.join(' ')}: ended with ${signal ?? status}`)
}

/** Runs a program of Node, as `run` does. */
export function node(args: readonly string[], cwd = root): void {
  run(process.execPath, args, cwd)
}

/**
 * Starts a command beside those that `run` runs, and prints all that it said once it has ended. Rejects with `CommandFailed` where it
 * does not end with 0. It ends with this program.
 */
export function start(command: string, args: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-output-'))
  // A file, since nobody reads from a pipe while `run` waits.
  const output = join(folder, 'output')
  const file = openSync(output, 'w')
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', file, file] })
  closeSync(file)
  const clean = (): void => {
    child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', clean)
  const ended = once(child, 'close').then(([status, signal]: (number | string | null)[]) => {
    process.stdout.write(readFileSync(output))
    if (status !== 0) throw new CommandFailed(`${command} ${args.join(' ')}: ended with ${signal ?? status}`)
  })
  // Whoever awaits it hears of it; nobody may have come to that.
  ended.catch(() => {})
  return ended
}
