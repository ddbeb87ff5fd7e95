/** The destination of the output. */
export interface Screen {
  /** Columns of the terminal; infinite if the output does not go to a terminal. */
  readonly width: number
  readonly colours: boolean
}

/** The properties of a stream that a screen depends on. */
export interface Output {
  readonly isTTY: boolean
  readonly columns?: number
  readonly hasColors?: () => boolean
}

/** A screen for output that does not go to a terminal. */
export const PLAIN: Screen = { width: Number.POSITIVE_INFINITY, colours: false }

/**
 * The screen behind a stream. The width is that of the terminal. For other outputs it is the variable COLUMNS, or
 * unlimited. Colours follow the terminal and the variables NO_COLOR and FORCE_COLOR.
 */
export function screenOf(stream: Output = process.stdout): Screen {
  return { width: widthOf(stream), colours: hasColours(stream) }
}

function widthOf({ isTTY, columns = 0 }: Output): number {
  if (isTTY && columns > 0) return columns
  const given = Number(process.env['COLUMNS'])
  return Number.isSafeInteger(given) && given > 0 ? given : PLAIN.width
}

function hasColours(stream: Output): boolean {
  if (stream.isTTY) return stream.hasColors?.() === true
  const { FORCE_COLOR = '', NO_COLOR = '' } = process.env
  return NO_COLOR === '' && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
}
