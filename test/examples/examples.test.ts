import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compiled } from '../programs/compiled.ts'
import { extent, HAS_MORE } from '../run/extent.ts'

/** Those for users of another system. A label of printed output shows the end of a pid as `…`. */
const OTHERS = 'coming-from'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What each prints, to the letter. */
const printed: Record<string, string> = {
  '01-first-process.ts': `
{ receipt: 'a book for 12 €' }
`,
  '02-ports-and-validation.ts': `
{ minutes: 30 }
{ minutes: 104 }
inputs.recipe: must be one of "bread", "cake", not "pie"
inputs.oven.degrees: must be number, not "hot"
inputs.egg: there is no port 'egg'; did you mean 'eggs'?
recipe, eggs, oven
`,
  '03-waiting-and-resuming.ts': `
40 € need an approval
40 € approved by Ada (resume)
without an engine: created
9000 € need an approval
finished, successful: false: 310 9000 € were refused by Grace
`,
  '04-pause-play-kill.ts': `
created, paused: true, until the office opens
ended within a tenth of a second: false
{ counted: 3 }
the process hears of it: too late for that
killed: too late for that
killed again: false
`,
  '05-children.ts': `
words in the title: 3, on the pages: 3 and 2
child CountWords: finished
child CountWords: finished
`,
  '06-saving-and-loading.ts': `
running [ 'Oslo', 'Bergen' ] maps open: 0
Oslo → Bergen → Tromsø
true
Oslo – Bergen – Tromsø
`,
  '07-several-engines.ts': `
sum of the squares: 22140
found again: 40
finished exactly once: 40
`,
  '08-own-types.ts': `
14.49 € due on 2030-01-31
excepted: ctx.note can't be saved
`,
  '09-work-chain.ts': `
begin
while(isNotOne)
  if(isEven)
    halve
  else
    triple
  count
finish
{ steps: 8 }
1.begin
2.while(isNotOne)#1.if(isEven).halve
2.while(isNotOne)#1.count
2.while(isNotOne)#2.else.triple
2.while(isNotOne)#2.count
… 11 more
2.while(isNotOne)#8.count
3.finish
27 does not come to 1 in 100 steps
`,
  '10-signals-and-timers.ts': `
votes: { no: 1, yes: 2 }
signals.vote: must be one of "yes", "no", not "perhaps"
too late: the poll is closed
votes in time: { no: 0, yes: 0 }
seat: paid with 20 €
seat: nobody paid within 20ms
`,
  '11-effects-and-retries.ts': `
seat 12A, in attempt 3
reserved 1 time, charged in try 3, with 1 key
  did reserve
  attempt 1 failed: the bank does not answer
  attempt 2 failed: the bank does not answer
  did charge
excepted: the card was stolen
paused: run failed 2 of 2 times (the bank does not answer); play tries it 2 times more
seat 12A, in attempt 2
`,
  '12-trees.ts': `
{ sum: 14 }
excepted, because of a child: ERROR_NEGATIVE (310): -2 is negative
{ sum: 10 }
at home: killed
on its own: waiting
`,
  '13-restart.ts': `
excepted: the converter crashed
{ result: 'TEXT OF A.TXT' }
downloads: 1, licences: 1
the old one is still excepted
the new one is a restart of it: true
{ result: 'TEXT OF A.TXT' }
downloads: 1, licences: 1, keys: 1
{ result: 'TEXT OF A.TXT' }
downloads: 2, licences: 2, keys: 2
`,
  '14-actors.ts': `
transfers 30 €
71
500 € are more than 70 €
70 [ '-30', '+1' ]
queued: 1
80
AlreadyDone
`,
  'coming-from/chemcloud.ts': `
{ energy: -0.0615234375 } finished
[PairEnergy, …] two atoms, 2 apart
3 of 3 true
0
-0.0615234375
RangeError: the atoms overlap
[ 0, -0.0615234375 ]
`,
  'coming-from/ipyparallel.ts': `
[ 168, 135, 127 ]
true 4 of 4
true true
59
60
56
59
234 in all
1 true true
[Primes, …] 59 primes from 3000
[Primes, …] 60 primes from 4000
[Primes, …] 56 primes from 5000
[Primes, …] 59 primes from 6000
168
135
`,
  'coming-from/plumpy.ts': `
{ gross: 100, approval: { by: 'Ada' } }
created true closed on Sunday
{ approval: { by: 'Grace' }, gross: 107 }
finished true
`,
  'coming-from/prefect.ts': `
24 mm of rain
2 done, 0 not
finished
excepted
Error: there is no gauge in Atlantis
{ Oslo: 4, unit: 'mm' }
`,
}

describe('the examples of one file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'damson-example-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it.skipIf(extent === 'some').each(Object.keys(printed))(
    '%s prints what is expected, also when it is run again',
    { ...HAS_MORE, timeout: 240_000 },
    async (name) => {
      const expected = printed[name]?.trimStart()
      for (let times = 2; times > 0; times--) expect(await run(name)).toBe(expected)
    },
  )

  it('are all tested here and listed in their README', async () => {
    const numbered = (await readdir(join(root, 'examples'))).filter((file) => /^\d\d-.*\.ts$/.test(file))
    const others = (await readdir(join(root, 'examples', OTHERS))).map((file) => `${OTHERS}/${file}`)
    const files = [...numbered, ...others]
    expect(files.toSorted()).toEqual(Object.keys(printed))
    const readme = await readFile(join(root, 'examples/README.md'), 'utf8')
    for (const file of files) expect(readme).toContain(`](${file})`)
  })

  it('begin with a process of 20 lines', async () => {
    const text = await readFile(join(root, 'examples/01-first-process.ts'), 'utf8')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(20)
  })

  async function run(name: string): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [compiled(`examples/${name}`)], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    })
    return stdout.replaceAll(/, [\da-f]{6}\]/g, ', …]')
  }
})
