import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type ParsedNode } from 'yaml'
import { CommunicationError, SerializationError } from '../../shared/errors.ts'
import { DEEPEST_MESSAGE, Uuid } from '../contract/message-value.ts'
import { integer, plainScalar } from './scalars.ts'

/*
 * The bodies of messages: YAML as PyYAML writes and reads it. What we write is JSON as far as PyYAML
 * reads that as the same value.
 */

/** A body that can't be read. It stays so, however often it is delivered. */
class UndecodableBody extends CommunicationError {}

/** What PyYAML would refuse, fold or lose within quotes. */
const ESCAPED = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g
/** PyYAML reads a longer name only after a question mark. */
const LONGEST_NAME = 1_000

/** The body of a message that `messageCopy` has checked. */
export function encodeBody(value: unknown): Buffer {
  return Buffer.from(encoded(value), 'utf8')
}

function encoded(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (value instanceof Uuid) return `!uuid '${value.text}'`
  if (Array.isArray(value)) return `[${value.map(encoded).join(', ')}]`
  if (typeof value !== 'object') throw new SerializationError('message', `a ${typeof value} can't be sent`)
  const members = Object.entries(value).map(([name, member]) => {
    const text = quoted(name)
    return `${text.length > LONGEST_NAME ? '? ' : ''}${text}: ${encoded(member)}`
  })
  return `{${members.join(', ')}}`
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** PyYAML takes a number with an exponent for text unless it has a point and a sign. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (value === Number.POSITIVE_INFINITY) return '.inf'
  if (value === Number.NEGATIVE_INFINITY) return '-.inf'
  if (Object.is(value, -0)) return '-0.0'
  const text = String(value)
  const exponent = text.indexOf('e')
  if (exponent === -1) return text
  const mantissa = text.slice(0, exponent)
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}${text.slice(exponent)}`
}

/** @throws UndecodableBody */
export function decodeBody(body: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (error) {
    throw new UndecodableBody('the body of the message is no text in UTF-8', { cause: error })
  }
  // JSON is the same in YAML, and much faster to read. Integers that a number does not hold are not.
  if (/^[[{"]/.test(text) && !/\d{16}/.test(text)) {
    let value: unknown
    let isJson = true
    try {
      value = JSON.parse(text)
    } catch {
      isJson = false
    }
    if (isJson) {
      checkDepth(value, 0)
      return value
    }
  }
  let document: Document.Parsed
  try {
    // With this schema the library leaves the values of scalars to us.
    document = parseDocument(text, {
      schema: 'failsafe',
      version: '1.1',
      uniqueKeys: false,
      logLevel: 'silent',
      stringKeys: false,
    })
  } catch (error) {
    throw new UndecodableBody('the body of the message is no YAML', { cause: error })
  }
  const [problem] = document.errors
  if (problem !== undefined)
    throw new UndecodableBody(`the body of the message is no YAML: ${problem.message}`, { cause: problem })
  return new Decoding(document).value(document.contents, 0)
}

function checkDepth(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > DEEPEST_MESSAGE) throw tooDeep()
  for (const member of Object.values(value)) checkDepth(member, depth + 1)
}

function tooDeep(): UndecodableBody {
  return new UndecodableBody(`the message nests more than ${DEEPEST_MESSAGE} levels deep`)
}

/** The values of one document. A node that is referred to several times is read once. */
class Decoding {
  readonly #document: Document.Parsed
  readonly #values = new Map<ParsedNode, unknown>()

  constructor(document: Document.Parsed) {
    this.#document = document
  }

  value(node: ParsedNode | null, depth: number): unknown {
    if (node === null) return null
    if (depth > DEEPEST_MESSAGE) throw tooDeep()
    if (isAlias(node)) {
      const target = node.resolve(this.#document) as ParsedNode | undefined
      // A node that is not read yet contains itself.
      if (target === undefined || !this.#values.has(target))
        throw new UndecodableBody(`the message refers to *${node.source}, which it does not have before`)
      return this.#values.get(target)
    }
    const value = this.#read(node, depth)
    this.#values.set(node, value)
    return value
  }

  #read(node: ParsedNode, depth: number): unknown {
    if (isScalar(node)) return scalar(node.source ?? '', node.type === 'PLAIN', node.tag)
    if (isSeq(node)) {
      if (!isKnown(node.tag, SEQUENCES)) throw unknownTag(node.tag)
      return node.items.map((item) => this.value(item, depth + 1))
    }
    if (isMap(node)) {
      if (!isKnown(node.tag, MAPPINGS)) throw unknownTag(node.tag)
      const object: Record<string, unknown> = {}
      for (const { key, value } of node.items) {
        const name = this.value(key, depth + 1)
        Object.defineProperty(object, nameText(name), {
          value: this.value(value, depth + 1),
          enumerable: true,
          writable: true,
          configurable: true,
        })
      }
      return object
    }
    throw new UndecodableBody('the message has something that is not a value')
  }
}

const YAML = 'tag:yaml.org,2002:'
const SEQUENCES = ['seq', 'python/tuple', 'python/list', 'omap', 'pairs']
const MAPPINGS = ['map', 'set', 'python/dict']
const TEXTS = ['str', 'python/str', 'python/unicode', 'timestamp']

function isKnown(tag: string | undefined, known: readonly string[]): boolean {
  return tag === undefined || known.some((name) => tag === `${YAML}${name}`)
}

function unknownTag(tag: string | undefined): UndecodableBody {
  return new UndecodableBody(
    `the message has a value of the kind ${tag}: send null, booleans, numbers, strings, lists, tuples, dicts and UUIDs`,
  )
}

function scalar(text: string, isPlain: boolean, tag: string | undefined): unknown {
  if (tag === undefined) return isPlain ? plainScalar(text) : text
  if (tag === '!uuid') return uuid(text)
  if (isKnown(tag, TEXTS)) return text
  if (isKnown(tag, ['null', 'python/none'])) return null
  if (isKnown(tag, ['bool', 'python/bool'])) return plainScalar(text.toLowerCase()) === true
  if (isKnown(tag, ['int', 'python/int', 'python/long'])) return typed(text, integer)
  if (isKnown(tag, ['float', 'python/float'])) return typed(text, (plain) => Number(plainScalar(plain)))
  throw unknownTag(tag)
}

function uuid(text: string): Uuid {
  return typed(text, (plain) => new Uuid(plain))
}

function typed<T>(text: string, read: (text: string) => T): T {
  try {
    return read(text)
  } catch (error) {
    throw new UndecodableBody(`the message has ${JSON.stringify(text)} where another kind of value is due`, {
      cause: error,
    })
  }
}

/** The name of a member. Python's keys may also be numbers and so on. */
function nameText(name: unknown): string {
  if (typeof name === 'object' && name !== null && !(name instanceof Uuid))
    throw new UndecodableBody('the message has a dict whose key is a list or a dict')
  return String(name)
}
