import { partOf } from './extent.ts'

/** The variable of the environment by which a hunt gives every random test another seed. */
export const SEED = 'DAMSON_SEED'

const said = process.env[SEED]
if (said !== undefined && !/^\d{1,9}$/.test(said))
  throw new Error(`${SEED} is a whole number of up to nine digits, not '${said}'`)

/** Of a hunt; undefined where the tests have their fixed seeds. */
export const hunted: number | undefined = said === undefined ? undefined : Number(said)

/** A seed of a test: the fixed one, or, on a hunt, one that comes from the hunt's and differs from those of other fixed ones. */
export function seedOf(fixed: number): number {
  return hunted === undefined ? fixed : (hunted + Math.imul(fixed, 7919)) >>> 0
}

/** Seeds of a test that is run for each of several, and has the tag `more`: the first one is some of them, the others are more. */
export function seedsOf(...fixed: readonly number[]): readonly number[] {
  return partOf(fixed, (seed) => seed === fixed[0]).map(seedOf)
}

/** The command that runs a test again as it was run. */
export function toReproduce(file: string, name: string, given = hunted): string {
  const seed = given === undefined ? '' : `${SEED}=${given} `
  const pattern = name
    .replaceAll(' > ', ' ')
    .replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("'", '.')
  return `${seed}npx vitest run ${file} -t '^${pattern}$'`
}
