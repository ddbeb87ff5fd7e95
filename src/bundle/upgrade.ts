import { errorText } from '../shared/error-text.ts'
import { IncompatibleBundle } from '../shared/errors.ts'
import { type Bundle } from './bundle.ts'
import type { Codec } from './codec.ts'
import { decodeBundle, encodeBundle, type SavedForm } from './saved-form.ts'

/** A class whose saved form has versions. */
export interface VersionedClass {
  /** The version of its saved form. Default 1. */
  readonly version?: number
  /**
   * Upgrades a saved form by changing it or returning another one, and sets its `version` to the
   * new one. It is called until the version of the class is reached, so each version needs to know
   * only the next.
   */
  upgrade?(form: SavedForm): SavedForm | void
}

/**
 * Returns the bundle in the version of its class, which is the same bundle if it has that version.
 *
 * @throws IncompatibleBundle if its version is newer, or if `upgrade` is missing, fails, or does
 * not raise the version
 */
export function upgradeBundle(bundle: Bundle, processClass: VersionedClass, codec: Codec): Bundle {
  const { pid, class: name, version } = bundle.head
  const target = processClass.version ?? 1
  if (version === target) return bundle
  const which = `process ${pid} was saved by version ${version} of ${name}, and here is version ${target}`
  if (version > target) {
    throw new IncompatibleBundle(
      `${which}: a newer version can't be downgraded. Load it with the newer class`,
    )
  }
  if (processClass.upgrade === undefined) {
    throw new IncompatibleBundle(`${which}, which has no \`static upgrade(bundle)\` to upgrade it`)
  }
  let form = decodeBundle(bundle, codec)
  while (form.version !== target) form = lift(form, processClass, target, which)
  return encodeBundle(bundle.head, { ...form, pid, class: name }, codec)
}

function lift(form: SavedForm, processClass: VersionedClass, target: number, which: string): SavedForm {
  const before = form.version
  let lifted: unknown
  try {
    lifted = processClass.upgrade?.(form) ?? form
  } catch (error) {
    const message = errorText(error)
    throw new IncompatibleBundle(`${which}: \`upgrade\` from version ${before} threw: ${message}`, {
      cause: error,
    })
  }
  if (lifted instanceof Promise) {
    throw new IncompatibleBundle(
      `${which}: \`upgrade\` from version ${before} returned a promise. It must be synchronous`,
    )
  }
  const after = (lifted as SavedForm).version
  if (!Number.isInteger(after) || after <= before) {
    throw new IncompatibleBundle(
      `${which}: \`upgrade\` left it at version ${String(after)}, coming from ${before}. It must set a higher \`version\``,
    )
  }
  if (after > target) {
    throw new IncompatibleBundle(
      `${which}: \`upgrade\` upgraded it to version ${after}, beyond that of the class`,
    )
  }
  return lifted as SavedForm
}
