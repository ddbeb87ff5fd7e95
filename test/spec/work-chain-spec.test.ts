import { expect, test } from 'vitest'
import { Process } from '../../src/process/process.ts'
import { SpecError } from '../../src/shared/errors.ts'
import { if_, return_, while_ } from '../../src/spec/instructions.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { specOf } from '../../src/spec/process-spec.ts'
import { WorkChainSpec } from '../../src/spec/work-chain-spec.ts'

class Base extends Process {
  static override readonly specClass = WorkChainSpec
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec.input('a').outline('setup', return_('ERROR')).exitCode(300, 'ERROR', 'failed')
  }
}

test('the spec of a work chain has an outline, once it was declared', () => {
  expect(new WorkChainSpec().getOutline()).toBe(undefined)
  expect(specOf(Base).getOutline()?.steps).toEqual(['setup'])
  expect(specOf(Base).getOutline()).toBe(specOf(Base).getOutline())
})

test('every call changes the spec in place and gives it back', () => {
  const spec = new WorkChainSpec()
  expect(spec.input('a').signal('go').retry({ attempts: 2 }).outline('run').output('b')).toBe(spec)
})

test('a subclass has the outline of its base, until it declares its own', () => {
  class Same extends Base {}
  class Own extends Base {
    static override define(spec: WorkChainSpec) {
      return super.define(spec).outline('prepare', 'setup')
    }
  }
  expect(specOf(Same).getOutline()?.steps).toEqual(['setup'])
  expect(specOf(Own).getOutline()?.steps).toEqual(['prepare', 'setup'])
  expect(specOf(Base).getOutline()?.steps).toEqual(['setup'])
})

test('an exit code may be declared after the outline that returns it, and declared anew', () => {
  class Stricter extends Base {
    static override define(spec: WorkChainSpec) {
      return super.define(spec).exitCode(301, 'ERROR', 'failed')
    }
  }
  const end = (spec: WorkChainSpec) => spec.getOutline()?.next('1.setup', () => false)
  expect(end(specOf(Base))).toMatchObject({ exitCode: { code: 300 } })
  expect(end(specOf(Stricter))).toMatchObject({ exitCode: { code: 301 } })
})

test('a label that was never declared is reported when the class is first used', () => {
  class Wrong extends Process {
    static override readonly specClass = WorkChainSpec
    static override define(spec: WorkChainSpec) {
      return spec.outline('setup', return_('EROR')).exitCode(300, 'ERROR', 'failed')
    }
  }
  expect(() => specOf(Wrong)).toThrow(SpecError)
  expect(() => specOf(Wrong)).toThrow(/no exit code 'EROR'; did you mean 'ERROR'/)
})

test('the description has the outline, a line for each part', () => {
  const spec = new WorkChainSpec()
    .outline(
      'setup',
      while_('notConverged')(
        'relax',
        if_('isLate')(return_('ERROR')).elif_('isDone')(return_).else_('refine'),
      ),
      return_(7),
    )
    .exitCode(300, 'ERROR', 'failed')
  expect(spec.getDescription().outline).toEqual([
    'setup',
    'while(notConverged)',
    '  relax',
    '  if(isLate)',
    '    return(ERROR)',
    '  elif(isDone)',
    '    return',
    '  else',
    '    refine',
    'return(EXIT_7)',
  ])
  expect(new WorkChainSpec().getDescription()).not.toHaveProperty('outline')
})

test('an exit code can be named by itself, its label or its number', () => {
  const spec = new ProcessSpec().exitCode(300, 'ERROR', 'failed').exitCode(301, 'LIMIT', 'above {limit}')
  const code = spec.exitCodes['LIMIT']?.({ limit: 3 })
  expect(spec.findExitCode(code!)).toBe(code)
  expect(spec.findExitCode('ERROR')).toMatchObject({ code: 300, message: 'failed' })
  expect(spec.findExitCode(300)).toMatchObject({ label: 'ERROR' })
  expect(spec.findExitCode(299)).toMatchObject({ code: 299, label: 'EXIT_299' })
  expect(spec.findExitCode(0)).toBe(undefined)
  expect(() => spec.findExitCode('LIMIT')).toThrow(/needs a value for \{limit\}/)
  for (const wrong of ['EROR', -1, 1.5, Number.NaN]) expect(() => spec.findExitCode(wrong)).toThrow(SpecError)
})
