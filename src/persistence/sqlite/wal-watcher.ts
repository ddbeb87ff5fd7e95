import { type FSWatcher, watch } from 'node:fs'
import { clearTimeout, setTimeout } from '../../shared/timers.ts'

/**
 * Milliseconds between the checks after a change of the WAL. The file changes before the commit is
 * visible, and a slow disk makes that time longer, so there are several checks.
 */
const BURST = [0, 1, 3, 10, 30, 100, 300]
/**
 * A change of the WAL during the first checks does not restart them, since the next check is near.
 */
const NEAR = 2
/** After this many changes in a row that may be our own commits, listening stops for a while. */
const OWN_CHANGES = 8
/** Milliseconds without a commit of our own after which listening begins again. */
const QUIET = 20

/**
 * Watches the WAL (write-ahead log) of a database for the commits of other connections.
 *
 * The file does not show whose commit has changed it. A connection that commits all the time reads
 * what others have committed at each of its own commits, so the watcher does not listen meanwhile.
 */
export class WalWatcher {
  readonly #path: string
  readonly #look: () => void
  #watcher: FSWatcher | undefined
  #burst: NodeJS.Timeout | undefined
  /** The number of looks since the last change of the file. */
  #looks = 0
  #changedAgain = false
  /** Whether we have committed since the last change of the file was noticed. */
  #isOwn = false
  #ownChanges = 0
  /** Set while the watcher does not listen because of our own commits. */
  #pause: NodeJS.Timeout | undefined

  /** `look` is called when others may have committed. */
  constructor(path: string, look: () => void) {
    this.#path = path
    this.#look = look
  }

  /** Whether changes of the file are noticed, or are about to be again. */
  get listens(): boolean {
    return this.#watcher !== undefined || this.#pause !== undefined
  }

  /** Begins to listen, if it does not. There may be no file yet. */
  listen(): void {
    if (this.listens) return
    try {
      this.#watcher = watch(this.#path, { persistent: false }, (event) => {
        // The WAL is gone or replaced: the next call of `listen` finds the new one.
        if (event === 'rename') this.#forget()
        this.#changed()
      })
      this.#watcher.on('error', () => this.#forget())
    } catch {
      // There is no WAL yet, or the system has no more watches.
      this.#forget()
    }
  }

  stop(): void {
    clearTimeout(this.#burst)
    clearTimeout(this.#pause)
    this.#burst = undefined
    this.#pause = undefined
    this.#forget()
  }

  /** We have committed, and have read before what others had committed. */
  committed(): void {
    this.#isOwn = true
  }

  #forget(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #changed(): void {
    this.#ownChanges = this.#isOwn ? this.#ownChanges + 1 : 0
    this.#isOwn = false
    if (this.#ownChanges >= OWN_CHANGES) this.#pauseListening()
    else if (this.#burst === undefined || this.#looks > NEAR) this.#lookSoon(0)
    else this.#changedAgain = true
  }

  #pauseListening(): void {
    this.stop()
    this.#ownChanges = 0
    const goOn = (): void => {
      this.#pause = undefined
      if (this.#isOwn) {
        this.#isOwn = false
        this.#pause = setTimeout(goOn, QUIET).unref()
        return
      }
      this.listen()
      this.#lookSoon(0)
    }
    this.#pause = setTimeout(goOn, QUIET).unref()
  }

  #lookSoon(looks: number): void {
    clearTimeout(this.#burst)
    this.#burst = undefined
    this.#looks = looks
    const delay = BURST[looks]
    if (delay === undefined) return
    this.#burst = setTimeout(() => {
      this.#look()
      const again = this.#changedAgain && looks === NEAR
      if (again) this.#changedAgain = false
      this.#lookSoon(again ? 0 : looks + 1)
    }, delay)
    this.#burst.unref()
  }
}
