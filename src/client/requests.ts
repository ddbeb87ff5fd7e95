/** The `state` part of a process that is killed from the file, with nobody running it. Plain JSON, so no codec is needed. */
export function killedState(message: string | null): string {
  return JSON.stringify({ label: 'killed', ...(message !== null && { message }) })
}
