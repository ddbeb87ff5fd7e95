import { table } from 'table'
import { median } from '../measure.ts'
import type { Measured } from './measure-peer.ts'
import type { Peer } from './peers.ts'

/** A peer in all rounds, or the reason why it was not measured. */
export interface PeerResult {
  readonly peer: Peer
  readonly version: string
  readonly rounds: readonly Measured[]
  readonly failure?: string
}

/** Medians of the rounds. Ratios are taken within a round. */
export function tableOf(results: readonly PeerResult[]): string {
  const head = [
    '',
    '1000 × 3 steps\nsteps/s\nfresh',
    '\n\nwarm',
    'processor\nµs a step\nwarm',
    'Damson is\nfaster,\nwarm',
    'launch →\nresult, ms\np50 | p99',
    '100 steps\nin a row\nsteps/s',
    'of bare\nsingle\ncommits',
    '200 killed:\nrun again\nafter ms',
    'what it guarantees; how it was set',
  ]
  const damson = results.find(({ peer }) => peer.name === 'Damson')?.rounds
  const rows = results.map(({ peer, version, rounds, failure }) => {
    const of = (value: (round: Measured, index: number) => number): string =>
      number(median(rounds.map(value)))
    const name = `${peer.name}\n${version}`
    const about = `${peer.guarantees}. ${peer.settings}`
    if (failure !== undefined) return [name, `not measured: ${failure}`, '', '', '', '', '', '', '', about]
    return [
      name,
      of(({ fresh }) => fresh),
      of(({ warm }) => warm),
      rounds.some(({ processor }) => processor === undefined)
        ? 'unknown'
        : of(({ processor }) => processor ?? Number.NaN),
      damson === undefined ? '' : of(({ warm }, index) => (damson[index]?.warm ?? Number.NaN) / warm),
      `${of(({ p50 }) => p50)} | ${of(({ p99 }) => p99)}`,
      of(({ row }) => row),
      of(({ ofCommits }) => ofCommits),
      peer.unmeasured ?? of(({ again }) => again ?? Number.NaN),
      about,
    ]
  })
  const columns = {
    0: { width: 20, wrapWord: true },
    1: { width: 16, wrapWord: true },
    8: { width: 12, wrapWord: true },
    9: { width: 50, wrapWord: true },
  }
  return table([head, ...rows], { columns })
}

function number(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)))
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 3) })
}
