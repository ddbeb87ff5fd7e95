import { setTimeout as later } from 'node:timers/promises'
import { Process, type ProcessSpec } from '../../../src/index.ts'
import { log, given } from './here.ts'

/** What every process of the load keeps. */
export interface Kept {
  k?: number
  sum?: number
  tokens?: string[]
}

let tokens = 0

/** A process whose steps and effects are noted in the log. */
export class Noted extends Process {
  declare ctx: Kept
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('n', { schema: { type: 'integer' } })
      .input('slow', { schema: { type: 'integer' }, default: 0 })
      .output('sum', { schema: { type: 'integer' } })
      .output('tokens')
  }
  protected get n(): number {
    return Number(this.inputs['n'])
  }
  protected get slow(): number {
    return Number(this.inputs['slow'])
  }
  protected get how(): string {
    return String(this.inputs['how'])
  }
  protected pay(name: string, takes?: number): Promise<void> {
    return pay(this, (...args) => this.effect(...args), name, takes)
  }
  protected emit(sum: number): void {
    this.out('sum', sum)
    this.out('tokens', this.ctx.tokens ?? [])
  }
}

type Noting = Pick<Process, 'pid' | 'attempt'> & { readonly ctx: Kept }
type Effect = <T>(
  name: string,
  action: (context: { readonly idempotencyKey: string }) => Promise<T>,
) => Promise<T>

/** Notes a step. Its number goes on with the commit that ends it. */
export async function noted<T>(process: Noting, step: string, body: () => Promise<T> | T): Promise<T> {
  const k = (process.ctx.k ??= 0)
  const { pid, attempt } = process
  log.add({ what: 'step', phase: 'begin', pid, k, step, attempt })
  const result = await body()
  log.add({ what: 'step', phase: 'end', pid, k, step, attempt })
  process.ctx.k = k + 1
  return result
}

/** An effect that takes so long, noted before and after, and when its record is durable. */
export async function pay(process: Noting, effect: Effect, name: string, takes = 0): Promise<void> {
  const token = await paid(process, effect, name, takes)
  ;(process.ctx.tokens ??= []).push(token)
}

/** The same, for who keeps what it gave himself. */
export function paid(process: Noting, effect: Effect, name: string, takes = 0): Promise<string> {
  return noteEffect(process.pid, effect, name, takes, process.ctx.k)
}

/** An effect of a process in its step with a number, and what it gave. */
export async function noteEffect(
  pid: string,
  effect: Effect,
  name: string,
  takes: number,
  k = 0,
): Promise<string> {
  const token = await effect(name, async ({ idempotencyKey: key }) => {
    const token = `${given.name}:${++tokens}`
    log.add({ what: 'effect', phase: 'begin', pid, k, name, key, token })
    if (takes > 0) await later(takes)
    log.add({ what: 'effect', phase: 'end', pid, k, name, key, token })
    return token
  })
  log.add({ what: 'recorded', pid, k, name, token })
  return token
}

/** Notes that a wait within a step is over. */
export function woke(process: Noting, name: string, value: unknown): void {
  log.add({ what: 'woke', pid: process.pid, k: process.ctx.k ?? 0, name, value })
}
