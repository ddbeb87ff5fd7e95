/** Thrown when a rule asks for data that is not loaded. The caller loads it, and runs the rules again. */
export class NotLoaded extends Error {}
