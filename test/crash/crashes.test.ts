import { join } from 'node:path'
import { Poison, Sum, Whole } from '../programs/processes.ts'
import { killedPrograms } from './killed-programs.ts'

killedPrograms((folder) => join(folder, 'crash.db'))

// Named here so that the classes that only the other program runs are seen to be used.
export const programClasses = [Sum, Whole, Poison]
