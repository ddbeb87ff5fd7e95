/** A value of JSON. */
export type JsonValue = string | number | boolean | null | JsonArray | JsonObject
/** An array in JSON. */
export type JsonArray = readonly JsonValue[]
/** An object in JSON. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Whether a value is a JSON object, not an array or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
