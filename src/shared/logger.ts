/** The part of a pino-shaped logger that Damson uses. `console` does not fit; pino, bunyan and roarr do. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Keeps silent: the default, since a library does not write to its user's terminal. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}
