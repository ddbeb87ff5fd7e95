/**
 * `npm run docs`: writes the reference of all public names to docs/reference/, from the doc comments in
 * the sources. Fails on any warning of TypeDoc, for example about a public name without a comment.
 */
import { rmSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath } from 'node:url'

/** TypeDoc's name for the module of each entry point, and the name by which users import it. */
const ENTRY_POINTS = {
  index: { file: 'src/index.ts', name: 'damson' },
  'persistence/postgres': { file: 'src/persistence/postgres/index.ts', name: 'damson/postgres' },
  'communication/rabbitmq': { file: 'src/communication/rabbitmq/index.ts', name: 'damson/rabbitmq' },
  'persistence/sqlite': { file: 'src/persistence/sqlite/index.ts', name: 'damson/sqlite' },
  testing: { file: 'src/testing/index.ts', name: 'damson/testing' },
}

// TypeDoc uses the compiler as a library, which TypeScript 7 does not offer.
const hook = `export function resolve(specifier, context, next) {
  return next(specifier === 'typescript' ? 'ts59' : specifier, context)
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
const { Application, Converter, ReflectionKind } = await import('typedoc')

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const out = 'docs/reference'
const app = await Application.bootstrapWithPlugins({
  entryPoints: Object.values(ENTRY_POINTS).map(({ file }) => file),
  tsconfig: 'tsconfig.build.json',
  plugin: ['typedoc-plugin-markdown'],
  name: 'Reference',
  readme: 'none',
  router: 'module',
  logLevel: 'Warn',
  disableSources: true,
  disableGit: true,
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  // The types that compute other types are not exported.
  validation: { notDocumented: true, notExported: false, invalidLink: true },
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Function', 'Variable'],
  intentionallyNotDocumented: [
    'damson.ExitCodes.__type.__index',
    'damson.ProcessSpec.exitCodes.__type.__index',
    'damson.SpecOf.__type.define',
  ],
  outputs: [{ name: 'markdown', path: out }],
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  useHTMLAnchors: true,
  indexFormat: 'table',
  parametersFormat: 'table',
  classPropertiesFormat: 'table',
  interfacePropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
})

app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
  for (const reflection of Object.values(project.reflections)) {
    // A page links to the base class, so it need not list the inherited members again.
    const isInherited = reflection.inheritedFrom !== undefined
    if (isInherited || reflection.name.startsWith('[')) project.removeReflection(reflection)
  }
  for (const module of project.getChildrenByKind(ReflectionKind.Module))
    module.name = ENTRY_POINTS[module.name].name
})

rmSync(out, { recursive: true, force: true })
const project = await app.convert()
if (project !== undefined) {
  app.validate(project)
  await app.generateOutputs(project)
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1
