import type { Progress } from '../../process/state/report.ts'
import { isJsonObject } from '../../shared/json.ts'

/** The progress of a row; null if there is none, or if its text is damaged. */
export function progressOf(text: string | null): Progress | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    if (!isJsonObject(value)) return null
    const { done, total, message } = value
    if (typeof done !== 'number') return null
    return {
      done,
      ...(typeof total === 'number' && { total }),
      ...(typeof message === 'string' && { message }),
    }
  } catch {
    return null
  }
}
