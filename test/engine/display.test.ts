import { expect, it } from 'vitest'
import { Process, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { gate } from './processes.ts'

/** Prints to both streams around a gate, and fails if it is told to. */
class Says extends Process<typeof Says> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('word', { schema: { type: 'string' } })
      .input('fails', { schema: { type: 'boolean' }, default: false })
      .input('gate', { schema: { type: 'string' }, required: false })
  }
  override async run(): Promise<void> {
    const { word, fails } = this.inputs
    this.print(`${word} 1`)
    this.print(`${word} 2`)
    this.print(`${word} warns`, { stream: 'stderr' })
    await this.effect('said', () => 1)
    if (this.inputs.gate !== undefined) await gate(this.inputs.gate).pass()
    this.print(`${word} 3`)
    if (fails) throw new RangeError(`${word} is wrong`)
  }
}

function sink(): { readonly write: (text: string) => void; readonly text: () => string } {
  let all = ''
  return { write: (text) => void (all += text), text: () => all }
}

const end = ({ pid }: Pick<ProcessHandle, 'pid'>): string => pid.slice(-6)

overEachStore((over) => {
  it('displays what several processes have printed, labelled where the process changes', async () => {
    const engine = await over().engine([Says])
    const a = await engine.launch(Says, { word: 'a' }, { label: 'first' })
    const b = await engine.launch(Says, { word: 'b', fails: true })
    const group = engine.group([a, b])
    expect(await group.outputComplete()).toBe(true)
    const [out, err] = [sink(), sink()]
    await group.display({ stdout: out, stderr: err })
    expect(out.text()).toBe(`[first, ${end(a)}] a 1\na 2\na 3\n[Says, ${end(b)}] b 1\nb 2\nb 3\n`)
    expect(err.text()).toBe(`[first, ${end(a)}] a warns\n[Says, ${end(b)}] b warns\nRangeError: b is wrong\n`)
    const [all, one] = [sink(), sink()]
    await group.display({ groupBy: 'order', stdout: all, stderr: all })
    expect(all.text()).toBe(
      `[first, ${end(a)}] a 1\na 2\na warns\na 3\n[Says, ${end(b)}] b 1\nb 2\nb warns\nb 3\nRangeError: b is wrong\n`,
    )
    await a.display({ groupBy: 'worker', stdout: one, stderr: one })
    expect(one.text()).toBe(`[first, ${end(a)}] a 1\na 2\na warns\na 3\n`)
    const chunks = []
    for await (const { pid, stream, text } of group.logs()) chunks.push(`${end({ pid })} ${stream} ${text}`)
    expect(chunks).toHaveLength(8)
    expect(chunks).toContain(`${end(b)} stderr b warns\n`)
    const ofOne = []
    for await (const { stream, text } of a.logs()) ofOne.push([stream, text])
    expect(ofOne).toEqual([
      ['stdout', 'a 1\n'],
      ['stdout', 'a 2\n'],
      ['stderr', 'a warns\n'],
      ['stdout', 'a 3\n'],
    ])
  })

  it('follows several processes to their ends, and shows at most four failures', async () => {
    const engine = await over().engine([Says])
    const words = ['a', 'b', 'c', 'd', 'e', 'f']
    const handles = await Promise.all(
      words.map((word) => engine.launch(Says, { word, fails: word !== 'a', gate: word })),
    )
    await Promise.all(words.map((word) => gate(word).reached))
    const client = await over().client()
    const group = client.group(handles.map(({ pid }) => pid))
    const [out, err] = [sink(), sink()]
    const seen: string[] = []
    const following = (async () => {
      for await (const { text } of group.logs({ follow: true })) seen.push(text)
    })()
    const displaying = group.display({ follow: true, stdout: out, stderr: err })
    for (const word of words.toReversed()) {
      gate(word).open()
      await handles[words.indexOf(word)]?.wait()
    }
    await displaying
    await following
    expect(seen).toHaveLength(24)
    expect(out.text().match(/ 3\n/g)).toHaveLength(6)
    expect(err.text().match(/is wrong/g)).toHaveLength(4)
    expect(err.text()).toMatch(/\nand 1 more process has failed\n$/)
  })

  it('leaves nothing pending when the loop over the logs of a group is left', async () => {
    const engine = await over().engine([Says])
    const a = await engine.launch(Says, { word: 'a', gate: 'stays' })
    await gate('stays').reached
    for await (const { text } of engine.group([a]).logs({ follow: true })) {
      expect(text).toBe('a 1\n')
      break
    }
    const stop = new AbortController()
    const [out, err] = [sink(), sink()]
    const displaying = a.display({ follow: true, signal: stop.signal, stdout: out, stderr: err })
    setImmediate(() => stop.abort(new Error('enough')))
    await expect(displaying).rejects.toThrow('enough')
    gate('stays').open()
    await a.wait()
  })

  it('refuses wrong options of a display', async () => {
    const engine = await over().engine([Says])
    const handle = await engine.launch(Says, { word: 'a' })
    await expect(handle.display({ groupBy: 'size' as never })).rejects.toThrow('type, worker, order')
    await expect(handle.display({ stdout: 5 as never })).rejects.toThrow(TypeError)
    expect(() => engine.group([handle]).logs({ folow: true } as never)).toThrow('did you mean "follow"?')
    await expect(engine.handle('nobody').display({ stdout: sink(), stderr: sink() })).rejects.toThrow(
      'there is no process nobody',
    )
  })

  it('waits for a group and shows how far it is: a line for each change where there is no terminal', async () => {
    const engine = await over().engine([Says])
    const words = ['a', 'b']
    const handles = await Promise.all(
      words.map((word) => engine.launch(Says, { word, gate: word, fails: word === 'b' })),
    )
    await Promise.all(words.map((word) => gate(word).reached))
    const group = engine.group(handles)
    await group.refresh()
    const out = sink()
    const calls: number[] = []
    const { clock } = over()
    expect(await group.waitInteractive({ timeout: 0, out })).toBe(false)
    const waiting = group.waitInteractive({ out, onProgress: ({ completed }) => calls.push(completed) })
    gate('a').open()
    await handles[0]?.wait()
    await clock.quiet()
    await clock.advance(1_000)
    gate('b').open()
    expect(await waiting).toBe(true)
    const lines = out.text().trimEnd().split('\n')
    expect(lines[0]).toBe('0 of 2 ended (0 %): 2 running')
    expect(lines.at(-1)).toBe('2 of 2 ended (100 %): 1 finished, 1 excepted')
    expect(calls.at(-1)).toBe(2)
    expect(await group.waitInteractive({ returnWhen: 'first-failure', out: sink() })).toBe(true)
    await expect(group.waitInteractive({ interval: -1 })).rejects.toThrow(RangeError)
    await expect(group.waitInteractive({ every: 5 } as never)).rejects.toThrow(TypeError)
  })
})
