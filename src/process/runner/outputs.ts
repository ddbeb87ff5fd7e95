import { PortNamespace } from '../../ports/port-namespace.ts'
import { isPlainObject } from '../../ports/plain.ts'
import { PortValidationError } from '../../shared/errors.ts'
import type { Life } from './process-runner.ts'

/** Checks an output and keeps it under its dotted name. */
export function emitOutput(life: Life, port: string, value: unknown): void {
  life.assertOpen()
  const { hooks, spec } = life.plan
  hooks.onOutputEmitting?.call(life.process, port, value)
  const problems = spec.checkOutput(port, value)
  if (problems.length > 0) throw new PortValidationError(problems)
  life.savings.output(port, value)
  if (hooks.onOutputEmitted === undefined && !life.heard) return
  const declared = spec.outputs.find(port)
  const dynamic = declared === undefined || declared instanceof PortNamespace
  hooks.onOutputEmitted?.call(life.process, port, value, dynamic)
  if (life.heard) life.audience.output(port, value, dynamic)
}

/** Emits outputs that may nest as objects do: an object is looked into where its name is that of a namespace. */
export function emitOutputs(life: Life, outputs: Readonly<Record<string, unknown>>, prefix = ''): void {
  for (const [name, value] of Object.entries(outputs)) {
    if (value === undefined) continue
    const port = `${prefix}${name}`
    if (life.plan.spec.outputs.find(port) instanceof PortNamespace && isPlainObject(value)) {
      emitOutputs(life, value, `${port}.`)
    } else emitOutput(life, port, value)
  }
}
