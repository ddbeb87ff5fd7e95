import { importsOf, parsed, sourceFiles, targetOf } from './imports.ts'

type Graph = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Draws the folders of src and their imports, types included, as a Mermaid flowchart. An import that
 * follows from others is left out: where `a` imports `b` and `b` imports `c`, no arrow leads from `a` to
 * `c`. A dotted arrow is an import that runs only when it is needed.
 */
export function folderPicture(files: Readonly<Record<string, string>> = sourceFiles()): string {
  const known = new Set(Object.keys(files).map(folderOf))
  const always = new Map([...known].map((folder) => [folder, new Set<string>()]))
  const dynamic = new Map([...known].map((folder) => [folder, new Set<string>()]))
  for (const [file, text] of Object.entries(files))
    for (const { specifier, kind } of importsOf(parsed(file, text))) {
      if (!specifier.startsWith('.')) continue
      const [from, to] = [folderOf(file), folderOf(targetOf(file, specifier))]
      if (from !== to) (kind === 'dynamic' ? dynamic : always).get(from)?.add(to)
    }
  const reach = new Map([...known].map((folder) => [folder, reachedFrom(folder, always)]))
  const arrows = [...known].toSorted().flatMap((from) => [
    ...reduced(from, always, reach).map((to) => `  ${idOf(from)} --> ${idOf(to)}`),
    ...[...(dynamic.get(from) ?? [])]
      .filter((to) => reach.get(from)?.has(to) !== true)
      .toSorted()
      .map((to) => `  ${idOf(from)} -.-> ${idOf(to)}`),
  ])
  return ['flowchart TD', ...boxes([...known].toSorted()), ...arrows].join('\n')
}

/** `process/step` for a file in it, `process` for a file directly in `process`, and `index.ts` for the entry point. */
function folderOf(file: string): string {
  const parts = file.split('/').slice(0, -1)
  return parts.length === 0 ? 'index.ts' : parts.slice(0, 2).join('/')
}

/** The direct imports of a folder that do not follow from its other imports. */
function reduced(from: string, graph: Graph, reach: Graph): readonly string[] {
  const direct = [...(graph.get(from) ?? [])]
  const implied = (to: string): boolean =>
    direct.some(
      (middle) =>
        middle !== to &&
        reach.get(middle)?.has(to) === true &&
        // Folders that import each other do not stand for each other.
        reach.get(middle)?.has(from) !== true &&
        reach.get(to)?.has(middle) !== true,
    )
  return direct.filter((to) => !implied(to)).toSorted()
}

function reachedFrom(folder: string, graph: Graph): ReadonlySet<string> {
  const reached = new Set<string>()
  const left = [...(graph.get(folder) ?? [])]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (reached.has(next)) continue
    reached.add(next)
    left.push(...(graph.get(next) ?? []))
  }
  return reached
}

/** One box for each folder. The folders inside a folder stand in a frame with it. */
function boxes(folders: readonly string[]): readonly string[] {
  const outer = [...new Set(folders.map((folder) => folder.split('/')[0] as string))]
  return outer.flatMap((name) => {
    const inner = folders.filter((folder) => folder.startsWith(`${name}/`))
    const label = inner.length > 0 ? `${name}/*.ts` : name
    const own = folders.includes(name) ? [`${idOf(name)}["${label}"]`] : []
    if (inner.length === 0) return own.map((line) => `  ${line}`)
    const lines = [...own, ...inner.map((folder) => `${idOf(folder)}["${folder}"]`)]
    return [`  subgraph ${name}`, ...lines.map((line) => `    ${line}`), '  end']
  })
}

/** `process` alone names the frame. */
function idOf(folder: string): string {
  return folder.includes('/') ? folder.replace('/', '_') : `${folder.replace('.', '_')}_`
}
