/** Thrown where a rule asks for what is not loaded. The caller loads it, and runs the rules again. */
export class NotLoaded extends Error {}
