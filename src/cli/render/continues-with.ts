import { withoutPassword } from '../../shared/store-url.ts'

/** The command that continues what this program has left in a store. */
export function continuesWith({
  path,
  store,
  label,
}: {
  readonly path: string
  readonly store: string
  readonly label: string | undefined
}): string {
  const on = label === undefined ? '' : ` --label ${label}`
  return `it continues with: damson worker ${path} --store ${withoutPassword(store)}${on}`
}
