/**
 * The part of a pino-like logger that Damson uses. pino, bunyan and roarr fit; `console` does not.
 */
export interface Logger {
  /** Logs a detail for debugging. */
  debug(details: object, message: string): void
  /** Logs an event of normal operation. */
  info(details: object, message: string): void
  /** Logs a problem that Damson handles. */
  warn(details: object, message: string): void
  /** Logs a problem that needs attention. */
  error(details: object, message: string): void
}

/** Logs nothing. It is the default, since a library must not write to its user's terminal. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}

const guarded = new WeakMap<Logger, Logger>()
const levels = ['debug', 'info', 'warn', 'error'] as const

/**
 * Wraps a logger for the engine, which ignores the errors that the logger throws or rejects with.
 */
export function guardedLogger(logger: Logger): Logger {
  const known = guarded.get(logger)
  if (known !== undefined) return known
  const own = Object.fromEntries(
    levels.map((level) => [
      level,
      (details: object, message: string) => quietly(logger, level, details, message),
    ]),
  )
  // Other members stay accessible for the code of processes.
  const guard = new Proxy(logger, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(own, name)) return own[name]
      const value: unknown = Reflect.get(logger, name)
      return typeof value === 'function' ? (value.bind(logger) as unknown) : value
    },
  })
  guarded.set(logger, guard)
  guarded.set(guard, guard)
  return guard
}

function quietly(logger: Logger, level: keyof Logger, details: object, message: string): void {
  try {
    const result: unknown = logger[level](details, message)
    if (result instanceof Promise) result.catch(() => {})
  } catch {
    // There is nowhere to report it.
  }
}
