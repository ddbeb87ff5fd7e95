import type { Command } from 'commander'
import { withClient, withStore, type StoreOptions } from '../input/options.ts'
import { print, printJson } from '../render/output.ts'
import { type Screen, screenOf } from '../render/screen.ts'
import { withClockTimes } from '../render/time.ts'
import { wrap } from '../render/wrap.ts'
import { findPid, type KeyOption, withPid } from '../read/find-pid.ts'

/** Returns an explanation with local times, wrapped to the screen. */
export function explanationText(explanation: string, now: number, screen: Screen): string {
  return wrap(withClockTimes(explanation, now), screen.width)
}

export function addExplain(program: Command): void {
  withPid(withStore(program.command('explain')))
    .description('Explain why a process does not continue.')
    .action((text: string | undefined, options: StoreOptions & KeyOption) =>
      withClient(options.store, async (client) => {
        const pid = await findPid(client, text, options)
        const explanation = await client.explain(pid)
        if (options.json) printJson({ pid, explanation })
        else print(explanationText(explanation, Date.now(), screenOf()))
      }),
    )
}
