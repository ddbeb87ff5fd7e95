import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.cache', '.git', 'reference'])

/** The paths of all files of the project below `folder` whose names end so, from the project's root, with `/`. */
export function filesBelow(folder: string, ending: string): string[] {
  const found: string[] = []
  const walk = (at: string): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name)
      if (entry.isDirectory() && !NOT_OURS.has(entry.name)) walk(path)
      if (entry.isFile() && entry.name.endsWith(ending)) found.push(relative(root, path).split(sep).join('/'))
    }
  }
  walk(join(root, folder))
  return found.toSorted()
}
