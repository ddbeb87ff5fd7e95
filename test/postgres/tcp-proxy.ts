import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** Stands between a store and its server, as a network that fails. */
export class TcpProxy {
  readonly url: string
  readonly #listener: Server
  readonly #pairs = new Set<Pair>()
  #to: URL
  #isStalled = false
  #stallsAt: string | undefined
  #holdsAt: string | undefined

  /** `url` is that of the server, and `host` the address of this machine at which it listens. */
  static async start(url: string, host = '127.0.0.1'): Promise<TcpProxy> {
    const listener = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => {
      listener.listen(0, host, resolve)
    })
    return new TcpProxy(url, listener)
  }

  private constructor(url: string, listener: Server) {
    this.#to = new URL(url)
    const own = new URL(url)
    const { address, port } = listener.address() as AddressInfo
    own.hostname = address
    own.port = String(port)
    this.url = own.href
    this.#listener = listener
    listener.on('connection', (client) =>
      this.#join(client, connect(Number(this.#to.port), this.#to.hostname)),
    )
  }

  #join(client: Socket, server: Socket): void {
    const pair = { client, server }
    client.on('data', (sent: Buffer) => {
      if (this.#holdsAt !== undefined && sent.includes(this.#holdsAt)) {
        this.#holdsAt = undefined
        server.unpipe(client).pause()
      }
      if (this.#stallsAt === undefined || !sent.includes(this.#stallsAt)) return
      this.#stallsAt = undefined
      server.cork()
      queueMicrotask(() => client.unpipe(server))
    })
    this.#pairs.add(pair)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        this.#pairs.delete(pair)
      })
      if (this.#isStalled) from.unpipe(to)
    }
  }

  /** Leads the connections to another server from now on, and resets those that are open. */
  leadTo(url: string): void {
    this.#to = new URL(url)
    this.cut()
  }

  /** Carries nothing any more, and closes nothing. */
  stall(): void {
    this.#isStalled = true
    this.stallOpen()
  }

  /** Does the same to the connections that are open, and carries what new ones send. */
  stallOpen(): void {
    for (const { client, server } of this.#pairs) {
      client.unpipe(server).pause()
      server.unpipe(client).pause()
    }
  }

  /** Carries nothing any more of the connection whose client next sends a text: not this text, nor that it ends. */
  stallAt(text: string): void {
    this.#stallsAt = text
  }

  /** Carries nothing any more to the clients whose connections are open, and what these clients send. */
  holdAnswers(): void {
    for (const { client, server } of this.#pairs) server.unpipe(client).pause()
  }

  /** Carries nothing any more to the client that next sends a text. */
  holdAnswersAt(text: string): void {
    this.#holdsAt = text
  }

  /** Carries everything again, what was sent meanwhile too. */
  goOn(): void {
    this.#isStalled = false
    for (const { client, server } of this.#pairs) {
      client.pipe(server)
      server.pipe(client)
    }
  }

  /** Resets all connections. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  /** Ends what it sends to the clients, and still takes what they send. */
  halfClose(): void {
    for (const { client, server } of this.#pairs) {
      server.unpipe(client)
      client.end()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => {
      this.#listener.close(resolve)
    })
  }
}
