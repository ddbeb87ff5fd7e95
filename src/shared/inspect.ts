/** The method by which Node shows an object. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom')
