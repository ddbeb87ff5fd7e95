import { execFileSync } from 'node:child_process'

/** A network of a program's own, joined to that of this program by a link that a test cuts. */
export class OwnNetwork {
  /** The address of this program there. */
  readonly gateway: string
  readonly #name: string

  /** `number`, up to 200, distinguishes it from others of this program. Throws where this program may not make any. */
  constructor(number: number) {
    this.#name = `damson${process.pid % 1_000_000}n${number}`
    // Of a range that is kept for tests of networks.
    const part = `198.18.${process.pid % 256}`
    this.gateway = `${part}.${4 * number + 1}`
    ip('netns', 'add', this.#name)
    try {
      ip('link', 'add', this.#outside, 'type', 'veth', 'peer', 'name', 'inside', 'netns', this.#name)
      ip('addr', 'add', `${this.gateway}/30`, 'dev', this.#outside)
      ip('-n', this.#name, 'addr', 'add', `${part}.${4 * number + 2}/30`, 'dev', 'inside')
      ip('-n', this.#name, 'link', 'set', 'inside', 'up')
      this.join()
    } catch (error) {
      this.remove()
      throw error
    }
  }

  /** The command that runs a program in it. */
  get within(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name]
  }

  /** Carries nothing any more, and tells the programs in it nothing. */
  cut(): void {
    ip('link', 'set', this.#outside, 'down')
  }

  join(): void {
    ip('link', 'set', this.#outside, 'up')
  }

  remove(): void {
    ip('netns', 'del', this.#name)
  }

  get #outside(): string {
    return `v${this.#name.slice('damson'.length)}`
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}

/** Whether this program may make networks. If not, says which tests are left out. */
export function canMakeNetworks(leftOut: string): boolean {
  try {
    new OwnNetwork(0).remove()
    return true
  } catch {
    console.log(`left out: ${leftOut}; only a user who may make networks can run them, with ip of iproute2`)
    return false
  }
}
