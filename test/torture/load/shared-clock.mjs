// @ts-check
import { openSync, readSync } from 'node:fs'

/*
 * Preloaded into every program of a run, and its worker threads: the wall clock is the machine's plus what a file says, so that all of them
 * see it jump in the same moment, as when somebody sets the clock. Plain JavaScript, since worker threads load it as well.
 */

const path = process.env['TORTURE_CLOCK']
if (path !== undefined) {
  const file = openSync(path, 'r')
  const ahead = new Float64Array(1)
  const bytes = new Uint8Array(ahead.buffer)
  const machine = Date
  const now = () => {
    readSync(file, bytes, 0, 8, 0)
    return machine.now() + Math.round(/** @type {number} */ (ahead[0]))
  }
  globalThis.Date = new Proxy(machine, {
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new machine(now()).toString(),
  })
}
