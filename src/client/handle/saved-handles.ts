import type { SavedType } from '../../bundle/codec.ts'
import { DoneReference, OutputReference } from '../../process/references/output-reference.ts'
import {
  readReference,
  Reference,
  REFERENCE_TYPE,
  type SavedReference,
} from '../../process/references/reference.ts'
import { ClientHandle } from './client-handle.ts'

/**
 * How handles and references are saved, in contexts, arguments and inputs. They come back with the
 * handles of this client.
 */
export function handleTypes(handleOf: (pid: string) => ClientHandle): readonly SavedType[] {
  const handle: SavedType<ClientHandle, string> = {
    name: 'process',
    is: (value) => value instanceof ClientHandle,
    encode: ({ pid }) => pid,
    decode: handleOf,
  }
  const output: SavedType<OutputReference, Pick<OutputReference, 'pid' | 'key'>> = {
    name: 'process.output',
    is: (value) => value instanceof OutputReference,
    encode: ({ pid, key }) => ({ pid, key }),
    decode: ({ pid, key }) => new OutputReference(handleOf(pid), key),
  }
  const done: SavedType<DoneReference, string> = {
    name: 'process.done',
    is: (value) => value instanceof DoneReference,
    encode: ({ pid }) => pid,
    decode: (pid) => new DoneReference(handleOf(pid)),
  }
  const reference: SavedType<Reference, SavedReference> = {
    name: REFERENCE_TYPE,
    is: (value) => value instanceof Reference,
    encode: ({ saved }) => saved,
    decode: (saved) => new Reference(readReference(saved, 'a reference in the inputs')),
  }
  return [handle, output, done, reference] as readonly SavedType[]
}
