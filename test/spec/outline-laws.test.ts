import * as fc from '../run/properties.ts'
import { expect, test } from 'vitest'
import { if_, return_, while_, type OutlinePart } from '../../src/spec/instructions.ts'
import type { OutlineNode } from '../../src/spec/outline-node.ts'
import type { Outline } from '../../src/spec/outline.ts'
import type { OutlineNext } from '../../src/spec/outline-walk.ts'
import { WorkChainSpec } from '../../src/spec/work-chain-spec.ts'

/** A random part, as plain data. */
type Part =
  | { readonly kind: 'step'; readonly name: string }
  | { readonly kind: 'return'; readonly exit: number | undefined }
  | { readonly kind: 'while'; readonly predicate: string; readonly block: readonly Part[] }
  | {
      readonly kind: 'if'
      readonly predicate: string
      readonly block: readonly Part[]
      readonly elifs: readonly Branch[]
      readonly otherwise: readonly Part[] | null
    }
interface Branch {
  readonly predicate: string
  readonly block: readonly Part[]
}

const predicate = fc.constantFrom('p', 'q', 'r')
const { block } = fc.letrec<{ part: Part; block: readonly Part[] }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('step' as const),
        name: fc.constantFrom('a', 'b', 'c', 'else', '2'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('return' as const),
        exit: fc.constantFrom(undefined, 0, 300),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('while' as const), predicate, block: tie('block') }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('if' as const),
        predicate,
        block: tie('block'),
        elifs: fc.array(fc.record({ predicate, block: tie('block') }), { maxLength: 2 }),
        otherwise: fc.option(tie('block')),
      }),
    },
  ),
  block: fc.array(tie('part'), { minLength: 1, maxLength: 3 }),
}))
/** What the predicates give, one after the other. */
const answers = fc.array(fc.boolean(), { maxLength: 60 })

function made(part: Part): OutlinePart {
  switch (part.kind) {
    case 'step':
      return part.name
    case 'return':
      return part.exit === undefined ? return_ : return_(part.exit)
    case 'while':
      return while_(part.predicate)(...part.block.map(made))
    case 'if': {
      let branches = if_(part.predicate)(...part.block.map(made))
      for (const elif of part.elifs) branches = branches.elif_(elif.predicate)(...elif.block.map(made))
      return part.otherwise === null ? branches : branches.else_(...part.otherwise.map(made))
    }
  }
}

const outlineOf = (parts: readonly Part[]): Outline =>
  new WorkChainSpec().outline(...parts.map(made)).getOutline()!

/** Where a program of the same parts would go: the names of its steps and the predicates it asks, and how it ends. */
function interpret(parts: readonly Part[], test: (predicate: string) => boolean): string[] {
  const trace: string[] = []
  const ask = (name: string): boolean => {
    const answer = test(name)
    trace.push(`${name}: ${answer}`)
    return answer
  }
  /** Whether it goes on. */
  const run = (block: readonly Part[]): boolean =>
    block.every((part) => {
      switch (part.kind) {
        case 'step':
          trace.push(part.name)
          return true
        case 'return':
          trace.push(`return ${part.exit === 0 ? undefined : part.exit}`)
          return false
        case 'while':
          while (ask(part.predicate)) if (!run(part.block)) return false
          return true
        case 'if': {
          const branches = [{ predicate: part.predicate, block: part.block }, ...part.elifs]
          const taken = branches.find((branch) => ask(branch.predicate))?.block ?? part.otherwise
          return taken === null || run(taken)
        }
      }
    })
  if (run(parts)) trace.push('end')
  return trace
}

/** The same by walking with `next` from position to position; also gives the positions. */
async function walk(
  outline: Outline,
  test: (predicate: string) => boolean,
  later: (index: number) => boolean,
) {
  const trace: string[] = []
  const positions: string[] = []
  let asked = 0
  for (let at: string | null = null; ;) {
    let promised = false
    const answer = outline.next(at, (name) => {
      const given = test(name)
      trace.push(`${name}: ${given}`)
      asked += 1
      if (!later(asked)) return given
      promised = true
      return Promise.resolve(given)
    })
    expect(answer instanceof Promise).toBe(promised)
    const next: OutlineNext = await answer
    if (next.kind !== 'step') {
      trace.push(next.kind === 'end' ? 'end' : `return ${next.exitCode?.code}`)
      return { trace, positions }
    }
    trace.push(next.step)
    positions.push(next.at)
    at = next.at
  }
}

/** Predicates that give the answers one after the other and then false. */
function answering(list: readonly boolean[]): (predicate: string) => boolean {
  let index = 0
  return () => list[index++] ?? false
}

/** The places that lead to a node of a tree. */
function pathTo(nodes: readonly OutlineNode[], wanted: OutlineNode): readonly number[] | undefined {
  for (const [index, node] of nodes.entries()) {
    if (node === wanted) return [index]
    const blocks =
      node.kind === 'while' ? [node.block] : node.kind === 'if' ? node.branches.map(({ block }) => block) : []
    for (const [branch, block] of blocks.entries()) {
      const below = pathTo(block, wanted)
      if (below !== undefined) return [index, branch, ...below]
    }
  }
  return undefined
}

test('walking from position to position visits what a program of the same parts visits', async () => {
  await fc.assert(
    fc.asyncProperty(block, answers, fc.integer({ min: 1, max: 4 }), async (parts, given, every) => {
      const outline = outlineOf(parts)
      const expected = interpret(parts, answering(given))
      const { trace, positions } = await walk(outline, answering(given), (index) => index % every === 0)
      expect(trace).toEqual(expected)
      const steps = expected.filter((text) => outline.steps.includes(text))
      expect(positions.map((at) => outline.stepAt(at))).toEqual(steps)
    }),
    { numRuns: 1000 },
  )
})

test('no two steps on the way through an outline have the same position', async () => {
  await fc.assert(
    fc.asyncProperty(block, answers, async (parts, given) => {
      const outline = outlineOf(parts)
      const { positions } = await walk(outline, answering(given), () => false)
      expect(new Set(positions).size).toBe(positions.length)
    }),
    { numRuns: 500 },
  )
})

test('positions survive parts that are added after them, in any block', async () => {
  /** Parts with others added at the end of every block, and an else_ for what stands last in its block. */
  const longer = (parts: readonly Part[], added: readonly Part[]): readonly Part[] => [
    ...parts.map((part, index): Part => {
      if (part.kind === 'while') return { ...part, block: longer(part.block, added) }
      if (part.kind !== 'if') return part
      const otherwise = index === parts.length - 1 ? added : null
      return {
        ...part,
        block: longer(part.block, added),
        elifs: part.elifs.map((elif) => ({ ...elif, block: longer(elif.block, added) })),
        otherwise: part.otherwise === null ? otherwise : longer(part.otherwise, added),
      }
    }),
    ...added,
  ]
  await fc.assert(
    fc.asyncProperty(block, block, answers, async (parts, added, given) => {
      const outline = outlineOf(parts)
      const after = outlineOf(longer(parts, added))
      const { positions } = await walk(outline, answering(given), () => false)
      for (const at of positions) {
        expect(pathTo(after.parts, after.nodeAt(at))).toEqual(pathTo(outline.parts, outline.nodeAt(at)))
      }
    }),
    { numRuns: 500 },
  )
})
