import type { Command } from 'commander'
import type { SpecDescription } from '../../index.ts'
import { loadClasses, pick, type LoadedClass } from '../input/load-module.ts'
import { withJson, type JsonOption } from '../input/options.ts'
import { printEscaped, printJson } from '../render/output.ts'
import { portRow, portRows } from '../render/port-rows.ts'
import { type Screen, screenOf } from '../render/screen.ts'
import { type Column, columns } from '../render/table.ts'
import { paragraphs } from '../render/wrap.ts'
import { oneLine } from '../../shared/terminal-text.ts'

export function addDescribe(program: Command): void {
  withJson(program.command('describe'))
    .description('Show the inputs, outputs, signals and exit codes of process classes.')
    .argument('<module>', 'a TypeScript or JavaScript file')
    .argument('[class]', 'a process class that it exports; all of them by default')
    .addHelpText(
      'after',
      paragraphs(
        'With --json: the JSON Schemas of inputs, outputs and signals, and the exit codes; a list if no class is named.',
      ),
    )
    .action(describe)
}

async function describe(path: string, name: string | undefined, options: JsonOption): Promise<void> {
  const classes = await loadClasses(path)
  const chosen =
    name === undefined
      ? [...classes].map(([each, processClass]) => ({ name: each, processClass }))
      : [pick(classes, name, path)]
  if (options.json) {
    const described = chosen.map((one) => schemas(one.name, one.processClass))
    printJson(name === undefined ? described : described[0])
  } else printEscaped(chosen.map((one) => classText(one.name, one.processClass, screenOf())).join('\n\n'))
}

function schemas(name: string, processClass: LoadedClass): object {
  const spec = processClass.spec()
  return {
    name,
    inputs: spec.toJSONSchema('inputs'),
    outputs: spec.toJSONSchema('outputs'),
    signals: spec.signalSchemas(),
    exitCodes: spec.getDescription().exitCodes,
  }
}

/** The columns of ports. Columns that may be long can shrink. */
function portColumns(heading: string): readonly (string | Column)[] {
  return [
    { heading, least: 12 },
    { heading: 'TYPE', least: 10, drop: 3 },
    { heading: '', least: 8, drop: 2 },
    { heading: 'HELP', most: 120, least: 12, drop: 1 },
  ]
}

/** Describes a class in escaped lines: its ports, signals and exit codes. */
export function classText(name: string, processClass: LoadedClass, screen: Screen): string {
  const description: SpecDescription = processClass.spec().getDescription()
  const parts = [oneLine(name)]
  for (const side of ['inputs', 'outputs'] as const) {
    const rows = portRows(description[side])
    parts.push(rows.length === 0 ? `no ${side}` : columns(portColumns(side.toUpperCase()), rows, screen))
  }
  const signals = Object.entries(description.signals ?? {})
  if (signals.length > 0) {
    const rows = signals.map(([signal, port]) => portRow(signal, port))
    parts.push(columns(portColumns('SIGNAL'), rows, screen))
  }
  const codes = description.exitCodes
  if (codes.length > 0) {
    const rows = codes.map(({ code, label, message }) => [String(code), label, message])
    parts.push(
      columns(
        ['EXIT CODE', { heading: 'LABEL', least: 12 }, { heading: 'MESSAGE', most: 120, least: 12 }],
        rows,
        screen,
      ),
    )
  }
  return parts.join('\n\n')
}
