import { describe, expect, test } from 'vitest'
import { IncompatibleBundle, SpecError } from '../../src/shared/errors.ts'
import { ExitCode } from '../../src/spec/exit-code.ts'
import { if_, return_, while_, type OutlinePart } from '../../src/spec/instructions.ts'
import type { Outline } from '../../src/spec/outline.ts'
import type { OutlineNext } from '../../src/spec/outline-walk.ts'
import { WorkChainSpec } from '../../src/spec/work-chain-spec.ts'

const outlineOf = (...parts: readonly OutlinePart[]): Outline =>
  new WorkChainSpec()
    .exitCode(310, 'ERROR_X', 'no x')
    .exitCode(311, 'ERROR_Y', 'above {limit}')
    .outline(...parts)
    .getOutline()!

/** All that an outline comes to, if the predicates return the given values in order, and then false. */
async function follow(outline: Outline, answers: Readonly<Record<string, readonly boolean[]>> = {}) {
  const asked: Record<string, number> = {}
  const visited: string[] = []
  let next: OutlineNext = { kind: 'end' }
  for (let at: string | null = null; ; at = next.at) {
    next = await outline.next(at, (predicate) => {
      const times = asked[predicate] ?? 0
      asked[predicate] = times + 1
      return answers[predicate]?.[times] ?? false
    })
    visited.push(next.kind === 'step' ? next.at : next.kind)
    if (next.kind !== 'step') return visited
  }
}

class W {
  setup() {}
  async relax() {
    return Promise.resolve(1)
  }
  notConverged() {
    return true
  }
}

describe('an outline', () => {
  test('is followed step by step to its end', async () => {
    expect(await follow(outlineOf('a', 'b', 'c'))).toEqual(['1.a', '2.b', '3.c', 'end'])
  })

  test('takes methods and names alike', () => {
    const outline = outlineOf(W.prototype.setup, while_(W.prototype.notConverged)(W.prototype.relax), 'last')
    expect(outline.steps).toEqual(['setup', 'relax', 'last'])
    expect(outline.predicates).toEqual(['notConverged'])
  })

  test('names each step and predicate once', () => {
    const outline = outlineOf('a', if_('p')('a', 'b').elif_('q')('a').else_('c'), while_('p')('b', return_))
    expect(outline.steps).toEqual(['a', 'b', 'c'])
    expect(outline.predicates).toEqual(['p', 'q'])
  })

  test('runs the first branch whose predicate gives true, or else_', async () => {
    const outline = outlineOf(if_('isA')('s1').elif_('isB')('s2').else_('s3'), 'after')
    expect(await follow(outline, { isA: [true] })).toEqual(['1.if(isA).s1', '2.after', 'end'])
    expect(await follow(outline, { isB: [true] })).toEqual(['1.elif(isB).s2', '2.after', 'end'])
    expect(await follow(outline)).toEqual(['1.else.s3', '2.after', 'end'])
    expect(await follow(outlineOf(if_('isA')('s1')))).toEqual(['end'])
  })

  test('counts the rounds of a loop from 1', async () => {
    const outline = outlineOf('setup', while_('more')('relax', 'check'))
    expect(await follow(outline, { more: [true, true] })).toEqual([
      '1.setup',
      '2.while(more)#1.relax',
      '2.while(more)#1.check',
      '2.while(more)#2.relax',
      '2.while(more)#2.check',
      'end',
    ])
  })

  test('counts the rounds of an inner loop anew in each round of the outer one', async () => {
    const outline = outlineOf(if_('a')('s0').else_(while_('x')(while_('y')('s'), 's4')))
    expect(await follow(outline, { x: [true, true], y: [true, true, false, true] })).toEqual([
      '1.else.while(x)#1.while(y)#1.s',
      '1.else.while(x)#1.while(y)#2.s',
      '1.else.while(x)#1.s4',
      '1.else.while(x)#2.while(y)#1.s',
      '1.else.while(x)#2.s4',
      'end',
    ])
  })

  test('ends at return_, with an exit code or without', async () => {
    const never = () => false
    expect(outlineOf('a', return_, 'b').next('1.a', never)).toEqual({ kind: 'return', exitCode: undefined })
    const code = new ExitCode(400, 'OWN', 'of its own')
    for (const [exit, exitCode] of [
      ['ERROR_X', { code: 310, label: 'ERROR_X', message: 'no x' }],
      [310, { code: 310, label: 'ERROR_X' }],
      [code, code],
      [7, { code: 7 }],
    ] as const)
      expect(outlineOf(return_(exit)).next(null, never)).toMatchObject({ kind: 'return', exitCode })
    expect(outlineOf(return_(0)).next(null, never)).toEqual({ kind: 'return', exitCode: undefined })
    expect(
      await follow(outlineOf(while_('p')('a', if_('q')(return_)), 'b'), { p: [true, true], q: [true] }),
    ).toEqual(['1.while(p)#1.a', 'return'])
  })

  test('asks predicates in their order, and only as needed', async () => {
    const asked: string[] = []
    const outline = outlineOf('a', if_('p')('b').elif_('q')('c').elif_('r')('d'), while_('s')('e'), 'f')
    const next = outline.next('1.a', (predicate) => {
      asked.push(predicate)
      return predicate === 'q'
    })
    expect(next).toEqual({ kind: 'step', step: 'c', at: '2.elif(q).c' })
    expect(asked).toEqual(['p', 'q'])
    await outline.next('2.elif(q).c', (predicate) => {
      asked.push(predicate)
      return false
    })
    expect(asked).toEqual(['p', 'q', 's'])
  })

  test('answers at once unless a predicate gives a promise', async () => {
    const outline = outlineOf(if_('p')('a').elif_('q')('b').elif_('r')('c'))
    expect(outline.next(null, () => true)).toEqual({ kind: 'step', step: 'a', at: '1.if(p).a' })
    const later = outline.next(null, (predicate) =>
      predicate === 'q' ? Promise.resolve(false) : predicate === 'r',
    )
    expect(later).toBeInstanceOf(Promise)
    expect(await later).toEqual({ kind: 'step', step: 'c', at: '1.elif(r).c' })
  })

  test('lets through what a predicate throws, at once or later', async () => {
    const outline = outlineOf(if_('p')('a'))
    const failing = () => {
      throw new Error('no answer')
    }
    expect(() => outline.next(null, failing)).toThrow('no answer')
    await expect(outline.next(null, async () => Promise.reject(new Error('no answer')))).rejects.toThrow(
      'no answer',
    )
  })

  test('that goes round for ever without reaching a step throws', () => {
    const outline = outlineOf('a', while_('more')(if_('never')('b')))
    expect(() => outline.next('1.a', (predicate) => predicate === 'more')).toThrow(
      /'2\.while\(more\)' went through .* without reaching a step/,
    )
  })

  test('is a tree for those who draw it', () => {
    const code = new ExitCode(310, 'ERROR_X', 'no x')
    const outline = outlineOf('a', while_('p')(if_('q')('b').else_(return_('ERROR_X'))))
    expect(outline.parts).toEqual([
      { kind: 'step', step: 'a' },
      {
        kind: 'while',
        predicate: 'p',
        block: [
          {
            kind: 'if',
            branches: [
              { predicate: 'q', block: [{ kind: 'step', step: 'b' }] },
              { predicate: undefined, block: [{ kind: 'return', exitCode: code }] },
            ],
          },
        ],
      },
    ])
    expect(outline.nodeAt('1.a')).toBe(outline.parts[0])
  })

  test('may use one instruction in several places', async () => {
    const check = if_('p')('b')
    const outline = outlineOf(check, 'a', check.else_('c'))
    expect(await follow(outline, { p: [true] })).toEqual(['1.if(p).b', '2.a', '3.else.c', 'end'])
  })
})

describe('a label that stands more than once in a block', () => {
  test('has its index there', async () => {
    const outline = outlineOf(while_('p')('relax', 'check', 'relax', if_('q')('a'), if_('q')('b')))
    expect(await follow(outline, { p: [true], q: [true, true] })).toEqual([
      '1.while(p)#1.1.relax',
      '1.while(p)#1.check',
      '1.while(p)#1.3.relax',
      '1.while(p)#1.4.if(q).a',
      '1.while(p)#1.5.if(q).b',
      'end',
    ])
  })

  test('is distinguished within one if_ too', async () => {
    const outline = outlineOf(if_('p')('a').elif_('q')('b').elif_('q')('c'))
    expect(await follow(outline, { q: [true] })).toEqual(['1.elif(q).b', 'end'])
    expect(await follow(outline, { q: [false, true] })).toEqual(['1.elif(q)#2.c', 'end'])
    expect(outline.stepAt('1.elif(q)#2.c')).toBe('c')
  })

  test('may be a step that goes by a number, or by the name of a branch', async () => {
    const outline = outlineOf('1', if_('p')('2', '2', 'else').else_(if_('q')('3').else_('4'), 'else'))
    expect(await follow(outline, { p: [true] })).toEqual([
      '1.1',
      '2.if(p).1.2',
      '2.if(p).2.2',
      '2.if(p).else',
      'end',
    ])
    expect(await follow(outline)).toEqual(['1.1', '2.else.1.else.4', '2.else.2.else', 'end'])
  })
})

describe('a position', () => {
  const outline = outlineOf('a', while_('p')('b', if_('q')('c', 'd').else_('c')), 'e')

  test('leads through the parts to a step, with the branches and rounds on the way', () => {
    const outline = outlineOf('a', while_('more')('b', if_('p')('c').elif_('q')('d', 'e').else_('f')))
    expect(outline.pathTo('1.a')).toEqual([{ index: 0 }])
    expect(outline.pathTo('2.while(more)#7.b')).toEqual([{ index: 1, round: 7 }, { index: 0 }])
    expect(outline.pathTo('2.while(more)#2.elif(q).e')).toEqual([
      { index: 1, round: 2 },
      { index: 1, branch: 1 },
      { index: 1 },
    ])
    expect(() => outline.pathTo('3.a')).toThrow(IncompatibleBundle)
  })

  test('knows its step', () => {
    expect(outline.stepAt('1.a')).toBe('a')
    expect(outline.stepAt('2.while(p)#4711.b')).toBe('b')
    expect(outline.stepAt('2.while(p)#1.if(q).d')).toBe('d')
    expect(outline.stepAt('2.while(p)#1.2.if(q).2.d')).toBe('d')
  })

  test.each([
    ['2.a', "the outline has '2.while(p)'"],
    ['1.x', "the outline has '1.a'"],
    ['4.a', 'the outline has no step there'],
    ['a', "the outline has '1.a', '2.while(p)', '3.e'"],
    ['', "the outline has '1.a', '2.while(p)', '3.e'"],
    ['1.a.b', "the outline has '1.a'"],
    ['2.while(q)#1.b', "the outline has '2.while(p)'"],
    ['2.while(p).b', "the outline has '2.while(p)'"],
    ['2.while(p)#0.b', "the outline has '2.while(p)'"],
    ['2.while(p)#1', "the outline has '2.while(p)'"],
    ['2.while(p)#3.x', "'2.while(p)#3' of the outline has 'b', 'if(q)', 'else'"],
    ['2.while(p)#3.2.b', "'2.while(p)#3' of the outline has 'if(q)', 'else'"],
    ['2.while(p)#3.elif(q).c', "'2.while(p)#3' of the outline has 'b', 'if(q)', 'else'"],
    ['2.while(p)#3.else.d', "'2.while(p)#3.else' of the outline has 'c'"],
    ['2.while(p)#3.if(q)', "'2.while(p)#3' of the outline has 'if(q)', 'else'"],
    ['01.a', "the outline has '1.a', '2.while(p)', '3.e'"],
  ])('that the outline does not have is refused: %j', (at, has) => {
    for (const use of [
      () => outline.stepAt(at),
      () => outline.nodeAt(at),
      () => outline.next(at, () => false),
    ]) {
      expect(use).toThrow(IncompatibleBundle)
      expect(use).toThrow(`no position '${at}' (any more): ${has}`)
      expect(use).toThrow(/static upgrade/)
    }
  })

  test('stays valid when steps are added after it, also where its label is no longer the only one', () => {
    const longer = outlineOf(
      'a',
      while_('p')('b', if_('q')('c', 'd', 'c').elif_('r')('x').else_('c', 'c'), 'b', if_('q')('y')),
      'e',
      'a',
    )
    for (const at of ['1.a', '2.while(p)#2.b', '2.while(p)#2.if(q).c', '2.while(p)#2.else.c', '3.e'])
      expect(longer.stepAt(at)).toBe(outline.stepAt(at))
    expect(longer.next('2.while(p)#2.b', () => true)).toMatchObject({ at: '2.while(p)#2.2.if(q).1.c' })
    expect(longer.next('2.while(p)#2.else.c', () => false)).toMatchObject({ at: '2.while(p)#2.else.2.c' })
  })
})

describe('what is no outline is refused where it is written', () => {
  test.each([
    ['an empty outline', () => outlineOf(), /the outline is empty/],
    ['an empty if_', () => if_('p')(), /if_\(p\) is empty/],
    ['an empty elif_', () => if_('p')('a').elif_('q')(), /elif_\(q\) is empty/],
    ['an empty else_', () => if_('p')('a').else_(), /else_ of if_\(p\) is empty/],
    ['an empty while_', () => while_('p')(), /while_\(p\) is empty/],
    ['undefined', () => outlineOf('a', undefined as never), /part 2 of the outline is undefined/],
    ['null', () => while_('p')('a', 'b', null as never), /part 3 of while_\(p\) is null/],
    ['a list', () => outlineOf(['a'] as never), /part 1 of the outline is an array of 1/],
    [
      'a function without a name',
      () => outlineOf('a', (() => () => {})()),
      /part 2 of the outline is a function without a name/,
    ],
    ['a name that no method has', () => outlineOf('a.b'), /part 1 of the outline is "a.b"/],
    ['a bound method', () => outlineOf(W.prototype.setup.bind(new W())), /bound setup/],
    ['a predicate that is none', () => if_(undefined as never), /if_ is undefined: a predicate is a method/],
    ['a predicate of elif_ that is none', () => if_('p')('a').elif_(3 as never), /elif_ is 3/],
    [
      'a predicate without a name',
      () =>
        outlineOf(
          while_(
            (
              () => () =>
                true
            )(),
          )('a'),
        ),
      /while_ is a function without a name/,
    ],
    [
      'an if_ without a block',
      () => outlineOf('a', if_('p') as never),
      /part 2 of the outline has no block: write if_\(p\)\(…\)/,
    ],
    [
      'else_ twice',
      () => (if_('p')('a').else_('b') as ReturnType<ReturnType<typeof if_>>).else_('c'),
      /if_\(p\) has two else_/,
    ],
    [
      'elif_ after else_',
      () => (if_('p')('a').else_('b') as ReturnType<ReturnType<typeof if_>>).elif_('q'),
      /if_\(p\) has an else_ already/,
    ],
    ['a return_ of nothing', () => return_(undefined as never), /return_ takes an exit code/],
    ['a return_ of a negative number', () => return_(-1), /return_ takes an exit code.*not -1/],
  ])('%s', (_, define, message) => {
    expect(define).toThrow(SpecError)
    expect(define).toThrow(message)
  })

  test('a return_ with a label that is not declared, with the nearest one', () => {
    expect(() => outlineOf(return_('ERROR_Z'))).toThrow(SpecError)
    expect(() => outlineOf('a', while_('p')(return_('ERROR_XX')))).toThrow(
      /return_ in the outline: there is no exit code 'ERROR_XX'; did you mean 'ERROR_X'/,
    )
  })

  test('a return_ with an exit code whose message needs values', () => {
    expect(() => outlineOf(return_('ERROR_Y'))).toThrow(/ERROR_Y needs a value for \{limit\}/)
  })
})
