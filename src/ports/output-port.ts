import { Port } from './port.ts'

/** A value that a process emits. */
export class OutputPort extends Port {}
