/**
 * How much of the long tests is run: `some` of it for whoever runs the tests; `more`, a part of what that left out, on a clean checkout
 * that has twenty minutes for everything; or `all`. The tests that leave something out carry the tag `more`; the others are not run for it.
 */
export type Extent = 'some' | 'more' | 'all'

const EXTENTS: readonly Extent[] = ['some', 'more', 'all']
/** The variable of the environment that says it. */
const EXTENT = 'DAMSON_TESTS'

export const extent: Extent = read(process.env[EXTENT])

/** Tags of a test that does in `more` what it left out in `some`. */
export const HAS_MORE = { tags: ['more'] }

/** Whether those tests are run that `some` leaves out as a whole. They have the tag. */
export const runsMore = extent !== 'some'

/** Which of several a test is run for that has the tag: those that `isSome` takes, the others for `more`, or all of them. */
export function partOf<T>(all: readonly T[], isSome: (one: T) => boolean): readonly T[] {
  return extent === 'all' ? all : all.filter((one) => isSome(one) === (extent === 'some'))
}

/** How many of something a test does that has the tag: `some`, half of all for `more`, or `all` of them. */
export function share(some: number, all: number): number {
  return extent === 'some' ? some : extent === 'more' ? Math.max(some, Math.ceil(all / 2)) : all
}

function read(said: string | undefined): Extent {
  if (said === undefined || said === '') return 'some'
  const known = EXTENTS.find((one) => one === said)
  if (known === undefined) throw new Error(`${EXTENT} is one of ${EXTENTS.join(', ')}, not '${said}'`)
  return known
}
