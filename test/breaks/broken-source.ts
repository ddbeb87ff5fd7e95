import type { Break } from './breaks.ts'

/** A source file with a fault in it. Throws unless what it replaces is there exactly once, so that no break comes to break nothing. */
export function brokenSource(text: string, { file, find, replace }: Break): string {
  const words = find.split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  const found = [...text.matchAll(new RegExp(words.join(String.raw`\s+`), 'g'))]
  if (found.length !== 1) {
    throw new Error(
      `${file} has ${found.length} times what the break replaces: ${find}\nBring test/breaks/breaks.ts up to date`,
    )
  }
  return text.replace(found[0]?.[0] ?? '', () => replace)
}
