import { outputPart, portOf, type BundleParts } from '../../bundle/bundle.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import { setAt } from '../../shared/own.ts'

/** Parses saved values; a `Codec` also decodes them. */
export interface ValueParser {
  readonly parse: (text: string, path: string) => unknown
}

/** Returns the committed outputs, nested by their dotted names and in the order of the names. */
export function outputsOf(parts: BundleParts, codec: ValueParser): Record<string, unknown> {
  const outputs: Record<string, unknown> = {}
  const ports = Object.keys(parts).flatMap((name) => portOf(name) ?? [])
  for (const port of ports.toSorted()) {
    const value = codec.parse(parts[outputPart(port)] as string, `outputs.${port}`)
    try {
      setAt(outputs, port, value)
    } catch (error) {
      throw new IncompatibleBundle(`outputs: damaged, ${(error as Error).message}`, { cause: error })
    }
  }
  return outputs
}
