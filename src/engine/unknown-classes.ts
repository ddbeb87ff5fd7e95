import type { Logger } from '../shared/logger.ts'

/** Warns once about each class that is launched here but unknown here: its processes would wait silently. */
export class UnknownClasses {
  readonly #engine: { readonly id: string; readonly logger: Logger }
  readonly #warnedOf = new Set<string>()

  constructor(engine: { readonly id: string; readonly logger: Logger }) {
    this.#engine = engine
  }

  launched(name: string): void {
    if (this.#warnedOf.has(name)) return
    this.#warnedOf.add(name)
    const { id, logger } = this.#engine
    logger.warn(
      { class: name, engine: id },
      `the launched class ${name} is not among the \`processes\` of this engine. The process is stored, but only an engine that has the class can run it`,
    )
  }
}
