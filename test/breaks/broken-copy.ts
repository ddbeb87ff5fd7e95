import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../project/files.ts'
import type { Break } from './breaks.ts'
import { brokenSource } from './broken-source.ts'

const COPIED = ['src', 'test', 'tsconfig.json', 'vitest.config.ts', 'package.json']

/** What running tests in a copy came to. */
export interface Verdict {
  readonly passed: number
  /** The messages of those that failed, the first line of each. */
  readonly failed: readonly string[]
  /** Files that could not even be loaded, and why. */
  readonly unloaded: readonly string[]
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: 'passed' | 'failed' | 'pending' | 'skipped' | 'todo'
      readonly failureMessages: readonly string[] | null
    }[]
  }[]
}

/**
 * Copies the project, less what it depends on, to a folder in it, so that packages are found further up. Returns that folder.
 */
export function copyProject(name: string): string {
  const copies = join(root, '.cache', 'breaks')
  mkdirSync(copies, { recursive: true })
  const folder = mkdtempSync(join(copies, `${name}-`))
  for (const path of COPIED) cpSync(join(root, path), join(folder, path), { recursive: true })
  return folder
}

/** Puts a fault into a copy. */
export function applyBreak(folder: string, broken: Break): void {
  const path = join(folder, broken.file)
  writeFileSync(path, brokenSource(readFileSync(path, 'utf8'), broken))
}

/** Runs tests in a copy, in a program of its own; each has so many milliseconds. */
export async function runTests(
  folder: string,
  files: readonly string[],
  names: readonly string[],
  timeOut: number,
): Promise<Verdict> {
  const report = join(folder, 'report.json')
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    `--root=${folder}`,
    '--reporter=json',
    `--outputFile=${report}`,
    `--testTimeout=${timeOut}`,
    '--maxWorkers=1',
    `--testNamePattern=${names.map(escaped).join('|')}`,
    ...files,
  ]
  const output = await ended(args, folder)
  let read: Report
  try {
    read = JSON.parse(readFileSync(report, 'utf8')) as Report
  } catch (error) {
    throw new Error(`no test was run in ${folder}:\n${output}`, { cause: error })
  }
  const results = read.testResults.flatMap(({ assertionResults }) => assertionResults)
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed: results
      .filter(({ status }) => status === 'failed')
      .map(({ failureMessages }) => failureMessages?.[0]?.split('\n')[0] ?? ''),
    unloaded: read.testResults
      .filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
      .map(({ name, message }) => `${name}: ${message}`),
  }
}

function ended(args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Its own run of vitest: what this one has set in the environment is not for it.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_V8_COVERAGE)/.test(name)),
    )
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', reject).on('close', () => resolve(output))
  })
}

function escaped(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
