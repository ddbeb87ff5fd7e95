/** Returns the known name most similar to a wrong one, or undefined if none is similar enough. */
export function nearest(wrong: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(wrong.length / 3)) + 1
  for (const name of known) {
    const far = distance(wrong.toLowerCase(), name.toLowerCase())
    if (far < least) [best, least] = [name, far]
  }
  return best
}

/** Returns the text `; did you mean 'x'?`, or a list of the known names. */
export function suggestion(wrong: string, known: Iterable<string>): string {
  const names = [...known]
  const near = nearest(wrong, names)
  if (near !== undefined) return `; did you mean '${near}'?`
  if (names.length === 0) return ''
  const shown = names.slice(0, 8).map((name) => `'${name}'`)
  return `; there ${names.length === 1 ? 'is' : 'are'} ${shown.join(', ')}${names.length > 8 ? ', …' : ''}`
}

/** The number of letters to insert, delete, replace or swap with the next one. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8 || a.length > 200) return Infinity
  let older: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, older[j - 2]! + 1)
      row.push(cost)
    }
    older = last
    last = row
  }
  return last[b.length]!
}
