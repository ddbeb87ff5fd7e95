// @module-tag more
// @vitest-environment jsdom
// Mermaid's parser cleans labels by the DOM of a browser.
import * as fc from '../run/properties.ts'
import mermaid from 'mermaid'
import { describe, expect, it } from 'vitest'
import { flowchart, type CurrentPosition } from '../../src/cli/render/flowchart.ts'
import { stateChart } from '../../src/cli/render/state-chart.ts'
import { if_, return_, while_, type OutlinePart } from '../../src/spec/instructions.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { WorkChainSpec } from '../../src/spec/work-chain-spec.ts'

interface Vertex {
  readonly text: string
  readonly classes: readonly string[]
}
interface Edge {
  readonly start: string
  readonly end: string
  readonly text: string
}
interface Flow {
  getVertices(): ReadonlyMap<string, Vertex>
  getEdges(): readonly Edge[]
}

/** A flowchart as Mermaid reads it. */
class Read {
  readonly #flow: Flow

  private constructor(flow: Flow) {
    this.#flow = flow
  }

  /** Rejects where it is no flowchart to Mermaid. */
  static async of(text: string): Promise<Read> {
    await mermaid.parse(text)
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text)
    return new Read(db as unknown as Flow)
  }

  /** What the nodes show, by their names, the lines of each joined by `|`. */
  get shown(): Record<string, string> {
    return Object.fromEntries(Array.from(this.#flow.getVertices(), ([id, { text }]) => [id, decoded(text)]))
  }
  /** `from -> to`, with the text on the way, by what the nodes show. */
  get ways(): string[] {
    const name = (id: string): string => this.shown[id]?.split('|')[0] ?? id
    return this.#flow
      .getEdges()
      .map(({ start, end, text }) => `${name(start)} -${text === '' ? '' : `${text}-`}> ${name(end)}`)
  }
  get marked(): [shown: string, look: string][] {
    return Array.from(this.#flow.getVertices().values()).flatMap(({ text, classes }) =>
      classes.map((look): [string, string] => [decoded(text), look]),
    )
  }
}

/** What is used here of the DOM, which is there in this test alone. */
interface Element {
  innerHTML: string
  readonly textContent: string
  querySelectorAll(name: string): Iterable<{ replaceWith(text: string): void }>
}
const { document } = globalThis as unknown as { readonly document: { createElement(name: string): Element } }

/** As Mermaid decodes a label when it draws it. */
function decoded(text: string): string {
  const element = document.createElement('div')
  element.innerHTML = text.replaceAll('ﬂ°°', '&#').replaceAll('ﬂ°', '&').replaceAll('¶ß', ';')
  for (const lineBreak of element.querySelectorAll('br')) lineBreak.replaceWith('|')
  return element.textContent
}

const order = () =>
  new WorkChainSpec()
    .input('item', { schema: { type: 'string' }, help: 'what is "bought" <now>' })
    .input('options.gift', { schema: { type: 'boolean' }, default: false })
    .output('receipt', { schema: { type: 'string' } })
    .signal('approval', { schema: { type: 'boolean' } })
    .exitCode(310, 'REFUSED', 'nobody approved')
    .outline(
      'charge',
      while_('isOpen')('ask', if_('isUrgent')('call').elif_('isLate')('remind').else_('pause')),
      if_('isRefused')('refund', return_('REFUSED')),
      if_('isGift')(return_),
      'send',
    )

describe('the picture of a class', () => {
  it('shows its outline: loops lead back, branches come together, returns lead to ends', async () => {
    const read = await Read.of(flowchart('Order', order()))
    expect(read.ways.filter((way) => !/inputs|outputs|signals/.test(way))).toEqual([
      'Order -> charge',
      'charge -> while isOpen',
      'while isOpen -yes-> ask',
      'ask -> isUrgent',
      'isUrgent -yes-> call',
      'isUrgent -no-> isLate',
      'isLate -yes-> remind',
      'isLate -no-> pause',
      'call -> while isOpen',
      'remind -> while isOpen',
      'pause -> while isOpen',
      'while isOpen -no-> isRefused',
      'isRefused -yes-> refund',
      'refund -> REFUSED (310)',
      'isRefused -no-> isGift',
      'isGift -no-> send',
      'isGift -yes-> finished',
      'send -> finished',
    ])
  })

  it('shows its ports with their types and help', async () => {
    const read = await Read.of(flowchart('Order', order()))
    expect(read.shown).toMatchObject({
      inputs: 'inputs|item: string (what is "bought" <now>)|options.gift: boolean, default false',
      outputs: 'outputs|receipt: string',
      signals: 'signals|approval: boolean',
    })
    expect(read.ways).toEqual(
      expect.arrayContaining(['inputs -> Order', 'signals -> Order', 'finished -> outputs']),
    )
  })

  it('has no step but run where the class has no outline', async () => {
    const read = await Read.of(flowchart('Add', new ProcessSpec().input('a')))
    expect(read.ways).toEqual(['inputs -> Add', 'Add -> run', 'run -> finished'])
  })
})

describe('the picture of a process', () => {
  const at = (position: CurrentPosition['position'], notes: readonly string[] = []): Promise<Read> =>
    Read.of(flowchart('Order', order(), { position, look: 'waiting', notes }))

  it('marks its step, and shows the round of the loop that it is in', async () => {
    const read = await at({ at: '2.while(isOpen)#7.elif(isLate).remind' }, [
      'waiting',
      'for the signal "approval"',
    ])
    expect(read.marked).toEqual([['remind', 'waiting']])
    expect(Object.values(read.shown)).toContain('while isOpen|round 7')
    expect(read.shown['note']).toBe('waiting|for the signal "approval"')
    expect(read.ways).toContain('remind -> waiting')
  })

  it('marks only the loop that it is in where two have the same steps', async () => {
    const loop = while_('more')('go')
    const twice = new WorkChainSpec().outline(loop, loop)
    const read = await Read.of(
      flowchart('Twice', twice, { position: { at: '2.while(more)#3.go' }, look: 'moving', notes: [] }),
    )
    expect(Object.values(read.shown)).toEqual([
      'Twice',
      'while more',
      'go',
      'while more|round 3',
      'go',
      'finished',
    ])
    expect(read.marked).toEqual([['go', 'moving']])
  })

  it('marks the beginning and the end', async () => {
    expect((await at('start')).marked).toEqual([['Order', 'waiting']])
    expect((await at({ at: 'run' })).marked).toEqual([['Order', 'waiting']])
    expect((await at('end')).marked).toEqual([['finished', 'waiting']])
  })

  it('says so where the outline does not have its position any more', async () => {
    const read = await at({ at: '9.gone' }, ['running'])
    expect(read.marked).toEqual([])
    expect(read.shown['note']).toBe('running|this outline has no position 9.gone')
  })

  it('shows its step where the class has no outline', async () => {
    const read = await Read.of(
      flowchart('Add', new ProcessSpec(), { position: { at: 'add' }, look: 'moving', notes: [] }),
    )
    expect(read.ways).toEqual(['Add -> run', 'run -> add', 'add -> finished'])
    expect(read.marked).toEqual([['add', 'moving']])
  })
})

describe('the states of a process', () => {
  it('are a diagram that Mermaid reads', async () => {
    const text = stateChart()
    expect(await mermaid.parse(text)).toMatchObject({ diagramType: 'stateDiagram' })
    expect(text.split('\n').map((line) => line.trim())).toEqual(
      expect.arrayContaining([
        '[*] --> created',
        'waiting --> waiting',
        'running --> finished',
        'killed --> [*]',
      ]),
    )
    expect(text).not.toContain('killed --> running')
  })
})

// ---------- whatever the names are ----------

const AWKWARD = [
  'end',
  'subgraph',
  'class',
  '"',
  '`',
  '"`x`"',
  '#quot;',
  '&lt;',
  '#35;',
  '<b>bold</b>',
  '<script>alert(1)</script>',
  ']',
  ')',
  '}}',
  '%%{init: {}}%%',
  '%% no comment',
  '-->',
  '|',
  ';',
  '\\n',
  'style:a#b;',
  'ﬂ°°35¶ß',
  '$$x$$',
  '日本語',
  '🦄',
  'e\u0301',
  '__proto__',
  'constructor',
]
const awkward = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.string({ unit: fc.character, minLength: 1, maxLength: 8 }),
)
/** One that a method may have in an outline. */
const stepName = awkward.map((text) => text.replaceAll(/[.#()\s]/g, '')).filter((text) => text !== '')
const part: fc.Arbitrary<OutlinePart> = fc.letrec<{ part: OutlinePart; block: OutlinePart[] }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: stepName },
    { weight: 1, arbitrary: fc.constantFrom(return_, return_(300), return_('FAILED')) },
    { weight: 2, arbitrary: fc.tuple(stepName, tie('block')).map(([name, block]) => while_(name)(...block)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(stepName, tie('block'), stepName, tie('block'), tie('block'))
        .map(([first, one, second, two, three]) =>
          if_(first)(...one)
            .elif_(second)(...two)
            .else_(...three),
        ),
    },
  ),
  block: fc.array(tie('part'), { minLength: 1, maxLength: 3 }),
})).part

/** As a label shows a line: no control characters, no half characters, single spaces. */
const asShown = (text: string): string =>
  text
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()

describe('whatever the names and texts are', () => {
  it('Mermaid reads the picture, and each label shows what it was given', { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        awkward,
        awkward,
        fc.array(awkward, { maxLength: 3 }),
        async (parts, name, help, notes) => {
          const spec = new WorkChainSpec()
            .exitCode(310, 'FAILED', help)
            .input('a', { help })
            .outline(...parts)
          const read = await Read.of(flowchart(name, spec, { position: 'start', look: 'moving', notes }))
          expect(read.shown['start']).toBe(asShown(name))
          expect(read.marked).toEqual([[asShown(name), 'moving']])
          expect(read.shown['note'] ?? '').toBe(notes.map(asShown).join('|'))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('cuts what is too long', async () => {
    const read = await Read.of(
      flowchart('x'.repeat(500), new ProcessSpec().input('a', { help: 'é'.repeat(500) })),
    )
    expect(read.shown['start']).toBe(`${'x'.repeat(99)}…`)
    expect(read.shown['inputs']).toHaveLength('inputs|'.length + 100)
  })
})
