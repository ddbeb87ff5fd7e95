import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

/** What users of each of these systems have to find in its table. */
const MEMBERS: Readonly<Record<string, string>> = {
  chemcloud: 'compute get refresh is_ready as_completed save open statuses return_single_output',
  'IPython.parallel':
    'get wait ready successful abort progress elapsed serial_time wall_time timedelta metadata get_dict ' +
    'result_dict r display_outputs stream_output wait_interactive ordered sent wait_for_send map_async ' +
    'imap cancel AsyncHubResult resubmit ids wait_for_engines join split',
  Prefect:
    'wait result raise_on_failure get_state resolve_futures_to_results resolve_futures_to_states ' +
    'call_repr as_completed map submit opaque add_done_callback',
  plumpy: 'future result launch',
  mosaic:
    'Task TaskProxy uid sender_id tessera_id runtime_id args_value kwargs_value prepare_args check_result ' +
    'set_done set_exception set_result add_done_callback add_event add_profile collectable done done_future ' +
    'init_future outputs result size wait TaskOutputGenerator TaskOutput TaskDone',
}

interface Row {
  readonly system: string
  readonly cells: readonly string[]
}

/** The rows of the tables of the page, without their heads. */
const rows = readFileSync('docs/coming-from.md', 'utf8')
  .split('\n## ')
  .slice(1)
  .flatMap((section): Row[] => {
    const [system = '', ...lines] = section.split('\n')
    return lines
      .filter((line) => line.startsWith('| '))
      .slice(2)
      .map((line) => ({
        system,
        cells: line
          .slice(1, -1)
          .split(' | ')
          .map((cell) => cell.trim()),
      }))
  })

it('each row of the page for users of other systems has four cells, and names tests that exist', () => {
  expect(rows.length).toBeGreaterThan(90)
  const wrong = rows.filter(({ cells }) => {
    if (cells.length !== 4 || cells.includes('')) return true
    const [, ours, , test = ''] = cells
    // There is nothing to test.
    if (ours === 'not offered') return test !== 'none'
    return !test.split('<br>').every((one) => {
      const [file = '', ...name] = one.split(': ')
      if (name.length === 0 || !existsSync(file)) return false
      return readFileSync(file, 'utf8').replaceAll("\\'", "'").includes(name.join(': '))
    })
  })
  expect(wrong).toEqual([])
})

it.each(Object.entries(MEMBERS))('the table for users of %s has each member', (system, members) => {
  const known = rows.filter((row) => row.system === system).map(({ cells }) => cells[0] ?? '')
  const missing = members
    .split(' ')
    .filter((member) => !known.some((cell) => new RegExp(`\\b${member}\\b`).test(cell)))
  expect(missing).toEqual([])
})
