/** What a thrown value says: the message of an error, or the value as text. Never throws. */
export function errorText(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } catch {
    return 'it threw something that has no text'
  }
}
