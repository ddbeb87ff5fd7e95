import type { Progress } from '../../process/state/report.ts'
import { isJsonObject } from '../../shared/json.ts'

/** The progress of a row; null if there is none or its text is damaged. */
export function progressOf(text: string | null): Progress | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && typeof value['done'] === 'number' ? (value as unknown as Progress) : null
  } catch {
    return null
  }
}
