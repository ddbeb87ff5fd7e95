const DATABASE = /^postgres(ql)?:\/\//

/** Whether a store is named by the URL of a Postgres database, not by the path of a file. */
export function isDatabaseUrl(store: string): boolean {
  return DATABASE.test(store)
}

/** The name of a store for display: a URL without the password. */
export function withoutPassword(store: string): string {
  if (!isDatabaseUrl(store)) return store
  // Up to the last @, since a password may have one that is not escaped.
  return store
    .replace(/^(\w+:\/\/[^:@/?#]*):.*@/s, '$1@')
    .replaceAll(/([?&])(?:ssl)?password=[^&#]*&?/gi, '$1')
    .replace(/[?&]$/, '')
}
