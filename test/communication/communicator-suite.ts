import { defer } from '../../src/process/state/deferred.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  ClosedError,
  DuplicateSubscriber,
  PendingReply,
  RemoteException,
  ResponseTimeout,
  SerializationError,
  TaskRejected,
  UnroutableError,
  Uuid,
  type Broadcast,
  type Communicator,
} from '../../src/index.ts'

/** Opens communicators that reach each other and nothing else. */
export interface Carrier {
  open(): Promise<Communicator>
  close(): Promise<void>
}

/** What every communicator does. `begin` starts a carrier of its own for each test. */
export function communicatorSuite(name: string, begin: () => Promise<Carrier>): void {
  const open = async (): Promise<{ a: Communicator; b: Communicator; carrier: Carrier }> => {
    const carrier = await begin()
    onTestFinished(() => carrier.close())
    return { a: await carrier.open(), b: await carrier.open(), carrier }
  }

  describe(`${name}: RPCs`, () => {
    test('an RPC is answered by the subscriber of its recipient, which gets a copy', async () => {
      const { a, b } = await open()
      const sent = { list: [1, { deep: 'ä😀' }], none: null, half: 0.5 }
      const got: unknown[] = []
      expect(
        await b.addRpcSubscriber((message) => {
          got.push(message)
          ;(message as { half: number }).half = 1
          return { ok: true, message }
        }, 'one'),
      ).toBe('one')
      await b.addRpcSubscriber(() => 'other', 'other')
      expect(await a.rpcSend('one', sent)).toEqual({ ok: true, message: { ...sent, half: 1 } })
      expect(got).toHaveLength(1)
      expect(sent.half).toBe(0.5)
    })

    test('an identifier is chosen for a subscriber that brings none', async () => {
      const { a, b } = await open()
      const identifier = await b.addRpcSubscriber(() => 7)
      expect(await a.rpcSend(identifier, null)).toBe(7)
    })

    test('the answer may come later', async () => {
      const { a, b } = await open()
      const { promise, resolve } = defer<string>()
      await b.addRpcSubscriber(() => new PendingReply(promise), 'one')
      const answered = a.rpcSend('one', 'hello')
      resolve('done')
      expect(await answered).toBe('done')
    })

    test('an RPC to no one is refused at once', async () => {
      const { a, b } = await open()
      await expect(a.rpcSend('nobody', null)).rejects.toThrow(UnroutableError)
      await expect(a.rpcSend('nobody', null)).rejects.toThrow('"nobody"')
      await b.addRpcSubscriber(() => 1, 'one')
      expect(await a.rpcSend('one', null)).toBe(1)
      await b.removeRpcSubscriber('one')
      await b.removeRpcSubscriber('one')
      await expect(a.rpcSend('one', null)).rejects.toThrow(UnroutableError)
    })

    test('an error of the subscriber reaches the sender as text, also a later one', async () => {
      const { a, b } = await open()
      await b.addRpcSubscriber(() => {
        throw new TypeError('not this')
      }, 'throws')
      await b.addRpcSubscriber(() => new PendingReply(Promise.reject(new Error('too late'))), 'rejects')
      await expect(a.rpcSend('throws', null)).rejects.toThrow(new RemoteException('TypeError: not this'))
      await expect(a.rpcSend('rejects', null)).rejects.toThrow(new RemoteException('too late'))
    })

    test('an answer that cannot be sent is an error of the subscriber', async () => {
      const { a, b } = await open()
      await b.addRpcSubscriber(() => ({ list: [() => {}] }), 'one')
      await expect(a.rpcSend('one', null)).rejects.toThrow('answer.list[0]')
    })

    test('an RPC that is not answered in time is given up', async () => {
      const { a, b } = await open()
      const { promise, resolve } = defer<void>()
      await b.addRpcSubscriber(() => promise, 'slow')
      const sent = a.rpcSend('slow', null, { timeout: 50 })
      await expect(sent).rejects.toThrow(ResponseTimeout)
      await expect(sent).rejects.toThrow('"slow"')
      resolve()
    })

    test('two subscribers of one communicator do not share an identifier', async () => {
      const { a } = await open()
      await a.addRpcSubscriber(() => 1, 'one')
      await expect(a.addRpcSubscriber(() => 2, 'one')).rejects.toThrow(DuplicateSubscriber)
      expect(await a.rpcSend('one', null)).toBe(1)
    })

    test('one of a group answers RPCs to what any of the group has added', async () => {
      const { a, b, carrier } = await open()
      const c = await carrier.open()
      const first = await a.joinRpcGroup('workers', (message, recipient) => ['first', message, recipient])
      const second = await b.joinRpcGroup('workers', (message, recipient) => ['second', message, recipient])
      first.add('one')
      second.add('one')
      second.add('two')
      await first.settled()
      await second.settled()
      const answers = await Promise.all(['one', 'two', 'one', 'two'].map((to) => c.rpcSend(to, 'hi')))
      expect(answers.map((answer) => (answer as unknown[]).slice(1))).toEqual([
        ['hi', 'one'],
        ['hi', 'two'],
        ['hi', 'one'],
        ['hi', 'two'],
      ])
      first.remove('two')
      await first.settled()
      await expect(c.rpcSend('two', 'hi')).rejects.toThrow(UnroutableError)
      await second.leave()
      expect(await c.rpcSend('one', 'hi')).toEqual(['first', 'hi', 'one'])
      await first.leave()
      await expect(c.rpcSend('one', 'hi')).rejects.toThrow(UnroutableError)
    })
  })

  describe(`${name}: tasks`, () => {
    test('a task is handled by one of the subscribers, and its result reaches the sender', async () => {
      const { a, b } = await open()
      const handled: unknown[] = []
      for (const communicator of [a, b])
        await communicator.addTaskSubscriber(async (task) => {
          handled.push(task)
          return `did ${(task as { n: number }).n}`
        })
      const results = await Promise.all([1, 2, 3, 4].map((n) => a.taskSend({ n })))
      expect(results).toEqual(['did 1', 'did 2', 'did 3', 'did 4'])
      expect(handled).toHaveLength(4)
    })

    test('a task waits for a subscriber', async () => {
      const { a, b } = await open()
      const sent = a.taskSend('early')
      expect(await a.taskSend('early too', { noReply: true })).toBeUndefined()
      const handled: unknown[] = []
      await b.addTaskSubscriber((task) => void handled.push(task))
      expect(await sent).toBeNull()
      await expect.poll(() => handled).toEqual(['early', 'early too'])
    })

    test('a task that one subscriber rejects is left to another', async () => {
      const { a, b } = await open()
      await b.addTaskSubscriber(() => {
        throw new TaskRejected('not mine')
      })
      await b.addTaskSubscriber((task) => ['mine', task])
      expect(await a.taskSend(1)).toEqual(['mine', 1])
      expect(await a.taskSend(2)).toEqual(['mine', 2])
    })

    test('a task that all have rejected is delivered again, and not in a hot loop', async () => {
      const { a, b } = await open()
      let rejected = 0
      await b.addTaskSubscriber((task) => {
        if (task !== 'third time' || ++rejected < 3) throw new TaskRejected('not now')
        return rejected
      })
      const begun = performance.now()
      expect(await a.taskSend('third time')).toBe(3)
      expect(performance.now() - begun).toBeGreaterThan(1_500)
    })

    test('an error of the subscriber reaches the sender, and the task is not delivered again', async () => {
      const { a, b } = await open()
      let calls = 0
      await b.addTaskSubscriber(() => {
        calls++
        throw new RangeError('too much')
      })
      await expect(a.taskSend(1)).rejects.toThrow(new RemoteException('RangeError: too much'))
      await expect(a.taskSend(1)).rejects.toThrow(RemoteException)
      expect(calls).toBe(2)
    })

    test('a task has an id, and may be accepted before its result is known', async () => {
      const { a, b } = await open()
      const { promise, resolve } = defer<string>()
      const ids = new Set<unknown>()
      await b.addTaskSubscriber((_task, { id, redelivered, accept }) => {
        ids.add(id).add(redelivered)
        accept()
        accept()
        return promise
      })
      const sent = [a.taskSend(1), a.taskSend(2)]
      await expect.poll(() => ids.size).toBe(3)
      expect([...ids].filter((id) => typeof id === 'string')).toHaveLength(2)
      resolve('done')
      expect(await Promise.all(sent)).toEqual(['done', 'done'])
    })

    test('a result that does not come in time is given up', async () => {
      const { a } = await open()
      await expect(a.taskSend(1, { timeout: 50 })).rejects.toThrow(ResponseTimeout)
    })

    test('a removed subscriber takes no more tasks', async () => {
      const { a, b } = await open()
      const identifier = await b.addTaskSubscriber(() => 'removed', 'one')
      expect(identifier).toBe('one')
      await expect(b.addTaskSubscriber(() => 'again', 'one')).rejects.toThrow(DuplicateSubscriber)
      expect(await a.taskSend(1)).toBe('removed')
      await b.removeTaskSubscriber(identifier)
      const sent = a.taskSend(2)
      await a.addTaskSubscriber(() => 'other')
      expect(await sent).toBe('other')
    })
  })

  describe(`${name}: broadcasts`, () => {
    test('a broadcast reaches all subscribers with what was given beside it', async () => {
      const { a, b } = await open()
      const heard: Broadcast[] = []
      for (const communicator of [a, b])
        await communicator.addBroadcastSubscriber((broadcast) => void heard.push(broadcast))
      await a.broadcastSend('present', { sender: 'Martin', subject: 'sup', correlationId: 420 })
      await expect.poll(() => heard).toHaveLength(2)
      const expected = { body: 'present', sender: 'Martin', subject: 'sup', correlationId: 420 }
      expect(heard).toEqual([expected, expected])
      await a.broadcastSend(null)
      await expect.poll(() => heard).toHaveLength(4)
      expect(heard[3]).toEqual({ body: null, sender: null, subject: null, correlationId: null })
    })

    test('subscribers choose by the subject', async () => {
      const { a, b } = await open()
      const heard: (readonly [string, unknown])[] = []
      const subscribe = (key: string, subject: string | RegExp) =>
        b.addBroadcastSubscriber(({ body }) => void heard.push([key, body]), { subject })
      await subscribe('all', /(?:)/g)
      await subscribe('exact', 'pause')
      await subscribe('not', /^(?!state_changed)/)
      for (const subject of ['pause', 'state_changed.created.running', 'pause.more'])
        await a.broadcastSend(subject, { subject })
      await a.broadcastSend('last')
      await expect.poll(() => heard.filter(([, body]) => body === 'last')).toHaveLength(2)
      expect(heard.filter(([key]) => key === 'exact')).toEqual([['exact', 'pause']])
      expect(heard.filter(([key]) => key === 'not').map(([, body]) => body)).toEqual([
        'pause',
        'pause.more',
        'last',
      ])
      expect(heard.filter(([key]) => key === 'all')).toHaveLength(4)
    })

    test('the subscribers of a group share the broadcasts', async () => {
      const { a, b } = await open()
      const heard: unknown[] = []
      for (const communicator of [a, b])
        await communicator.addBroadcastSubscriber(({ body }) => void heard.push(body), { group: 'shared' })
      const alone: unknown[] = []
      await b.addBroadcastSubscriber(({ body }) => void alone.push(body))
      for (let i = 0; i < 10; i++) await a.broadcastSend(i)
      await expect.poll(() => [alone.length, heard.length]).toEqual([10, 10])
      expect(new Set(heard)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    })

    test('a removed subscriber hears nothing, and one that throws keeps no other from hearing', async () => {
      const { a, b } = await open()
      const heard: unknown[] = []
      const gone = await b.addBroadcastSubscriber(() => void heard.push('gone'), { identifier: 'gone' })
      await expect(b.addBroadcastSubscriber(() => {}, { identifier: 'gone' })).rejects.toThrow(
        DuplicateSubscriber,
      )
      await b.removeBroadcastSubscriber(gone)
      await b.addBroadcastSubscriber(() => {
        throw new Error('a subscriber of a test fails')
      })
      await b.addBroadcastSubscriber(({ body }) => void heard.push(body))
      await a.broadcastSend(1)
      await a.broadcastSend(2)
      await expect.poll(() => heard).toEqual([1, 2])
    })
  })

  describe(`${name}: what can be sent`, () => {
    test('values that have a form in JSON or YAML arrive unchanged', async () => {
      const { a, b } = await open()
      await b.addRpcSubscriber((message) => message, 'echo')
      const values: unknown[] = [
        null,
        true,
        0,
        -1.5,
        1e21,
        -1e-7,
        2 ** 53,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        '',
        'yes',
        '1e3',
        '~',
        '\u0000\u007f\u0085\u009f\u2028\u2029\ufeff😀\n\t"\\',
        [],
        {},
        [[]],
        { '': 1, 'a.b': [{}], ['k'.repeat(2_000)]: 1, __proto__x: 1 },
        new Uuid('01234567-89ab-cdef-0123-456789abcdef'),
      ]
      for (const value of values) expect(await a.rpcSend('echo', value)).toEqual(value)
      expect(await a.rpcSend('echo', undefined)).toBeNull()
      expect(await a.rpcSend('echo', { a: undefined, b: [undefined] })).toEqual({ b: [null] })
    })

    test.each([
      ['a function', { f: () => {} }, 'message.f'],
      ['an object of a class', [new Date()], 'message[0]'],
      ['half a character', { text: '\ud800' }, 'message.text'],
      ['a symbol', Symbol('s'), 'message'],
    ])('%s is refused with its path', async (_kind, value, path) => {
      const { a } = await open()
      const sent = a.rpcSend('anyone', value)
      await expect(sent).rejects.toThrow(SerializationError)
      await expect(sent).rejects.toThrow(path)
    })

    test('what contains itself is refused', async () => {
      const { a } = await open()
      const value: unknown[] = []
      value.push(value)
      await expect(a.broadcastSend(value)).rejects.toThrow('contains itself')
      await expect(a.taskSend(value)).rejects.toThrow(SerializationError)
    })

    test('wrong arguments are refused', async () => {
      const { a } = await open()
      await expect(a.rpcSend('', null)).rejects.toThrow('rpcSend: the recipient must not be empty')
      await expect(a.rpcSend('one', null, { timeout: -1 })).rejects.toThrow(RangeError)
      await expect(a.taskSend(1, { noreply: true } as object)).rejects.toThrow('did you mean "noReply"')
      await expect(a.broadcastSend(1, { subject: 3 } as object)).rejects.toThrow(TypeError)
      await expect(a.addRpcSubscriber('f' as never)).rejects.toThrow('a subscriber is a function')
      await expect(a.addBroadcastSubscriber(() => {}, { subject: 3 } as object)).rejects.toThrow(TypeError)
    })
  })

  describe(`${name}: closing`, () => {
    test('a closed communicator answers nothing, and what waits for an answer rejects', async () => {
      const { a, b } = await open()
      const { promise, resolve } = defer<void>()
      await b.addRpcSubscriber(() => promise, 'slow')
      const sent = a.rpcSend('slow', null).catch((error: unknown) => error)
      const task = a.taskSend('no one takes it').catch((error: unknown) => error)
      await a.broadcastSend('a round trip')
      await a.close()
      await a.close()
      expect(await sent).toBeInstanceOf(ClosedError)
      expect(await task).toBeInstanceOf(ClosedError)
      resolve()
      await expect(a.rpcSend('slow', null)).rejects.toThrow(ClosedError)
      await expect(a.taskSend(1)).rejects.toThrow(ClosedError)
      await expect(a.broadcastSend(1)).rejects.toThrow(ClosedError)
      await expect(a.addTaskSubscriber(() => 1)).rejects.toThrow(ClosedError)
    })
  })
}
