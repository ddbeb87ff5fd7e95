/** What the output is written to. */
export interface Screen {
  /** Columns of the terminal; infinite where the output goes to no terminal. */
  readonly width: number
  readonly colours: boolean
}

/** A screen for texts that go to no terminal. */
export const PLAIN: Screen = { width: Number.POSITIVE_INFINITY, colours: false }

/**
 * The screen behind a stream. The width is that of the terminal. For other outputs it is the variable COLUMNS, or
 * unlimited. Colours follow the terminal and the variables NO_COLOR and FORCE_COLOR.
 */
export function screenOf(stream: NodeJS.WriteStream = process.stdout): Screen {
  return { width: widthOf(stream), colours: hasColours(stream) }
}

function widthOf(stream: NodeJS.WriteStream): number {
  if (stream.isTTY && stream.columns > 0) return stream.columns
  const given = Number(process.env['COLUMNS'])
  return Number.isSafeInteger(given) && given > 0 ? given : PLAIN.width
}

function hasColours(stream: NodeJS.WriteStream): boolean {
  if (stream.isTTY) return stream.hasColors()
  const { FORCE_COLOR = '', NO_COLOR = '' } = process.env
  return NO_COLOR === '' && FORCE_COLOR !== '' && FORCE_COLOR !== '0'
}
