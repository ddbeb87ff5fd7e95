import { ValuePath } from '../../bundle/value-path.ts'
import { isJsonObject, type JsonValue } from '../../shared/json.ts'
import { readReference, REFERENCE_TYPE, type SavedReference } from './reference.ts'

/** A reference in saved inputs, with its path. */
export interface PlacedReference extends SavedReference {
  /** Such as `inputs.settings.cutoff`. */
  readonly path: string
}

/**
 * The references in the text of the part `inputs`. Reads them without decoding the other values, so
 * that no class is needed. The codec saves an object once, so each reference is listed once.
 */
export function savedReferences(inputs: string): readonly PlacedReference[] {
  if (!inputs.includes(REFERENCE_TYPE)) return []
  const found: PlacedReference[] = []
  collect(JSON.parse(inputs) as JsonValue, new ValuePath('inputs'), found)
  return found
}

function collect(json: JsonValue, path: ValuePath, found: PlacedReference[]): void {
  if (typeof json !== 'object' || json === null) return
  if (!isJsonObject(json)) {
    for (const [index, item] of json.entries()) within(index, item, path, found)
    return
  }
  const { $: kind } = json
  if (kind === 'type' && json['name'] === REFERENCE_TYPE) {
    const text = path.toString()
    found.push({ ...readReference(json['data'], text), path: text })
  } else if (kind === undefined) {
    for (const key of Object.keys(json)) within(key, json[key] as JsonValue, path, found)
  } else if (kind === 'Map') {
    for (const entry of json['entries'] as readonly (readonly JsonValue[])[]) {
      const [key = null, value = null] = entry
      collect(key, path, found)
      within(
        { text: typeof key === 'string' ? `.get(${JSON.stringify(key)})` : '.values()' },
        value,
        path,
        found,
      )
    }
  } else {
    for (const key of ['fields', 'items', 'values', 'data']) collect(json[key] ?? null, path, found)
  }
}

function within(
  step: Parameters<ValuePath['push']>[0],
  json: JsonValue,
  path: ValuePath,
  found: PlacedReference[],
): void {
  path.push(step)
  collect(json, path, found)
  path.pop()
}
