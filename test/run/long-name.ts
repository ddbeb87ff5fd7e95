/** A name of exactly so many bytes in UTF-8, the same each time, which no database compresses. */
export function longName(bytes: number): string {
  let [name, left, state] = ['', bytes, 1]
  for (; left >= 3; left -= 3) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    // A Chinese character takes three bytes.
    name += String.fromCharCode(0x4e00 + ((state >>> 8) % 0x5000))
  }
  return name + 'x'.repeat(left)
}
