import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The relative links of a Markdown file that lead nowhere: to no file, or to no heading in it. */
export function deadLinks(root: string, file: string): string[] {
  return linksOf(readFileSync(join(root, file), 'utf8')).filter((link) => {
    if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link)) return false
    const [path = '', heading] = decodeURI(link).split('#')
    const target = path === '' ? join(root, file) : join(root, dirname(file), path)
    if (!existsSync(target)) return true
    if (heading === undefined || !target.endsWith('.md') || statSync(target).isDirectory()) return false
    return !headingsOf(readFileSync(target, 'utf8')).has(heading)
  })
}

/** The targets of `[text](target)`, `![text](target)` and `[name]: target`, outside of code. */
export function linksOf(markdown: string): string[] {
  const text = withoutFences(markdown).replace(/(`+)[^`][\s\S]*?\1/g, '')
  const inline = text.matchAll(/\]\(\s*<?([^\s()<>]+)>?(?:\s+["'(][^)]*)?\s*\)/g)
  const named = text.matchAll(/^ {0,3}\[[^\]^][^\]]*\]:\s*<?([^\s<>]+)>?/gm)
  return [...inline, ...named].map((match) => match[1] ?? '')
}

/** The names by which a page's headings and anchors can be linked, as GitHub makes them. */
export function headingsOf(markdown: string): Set<string> {
  const names = new Set<string>()
  for (const match of withoutFences(markdown).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const name = (match[1] ?? '')
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-')
    let unique = name
    for (let count = 1; names.has(unique); count++) unique = `${name}-${count}`
    names.add(unique)
  }
  for (const [, id = ''] of markdown.matchAll(/<a id="([^"]+)"><\/a>/g)) names.add(id)
  return names
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^ {0,3}(```+|~~~+)[\s\S]*?^ {0,3}\1[ \t]*$/gm, '')
}
