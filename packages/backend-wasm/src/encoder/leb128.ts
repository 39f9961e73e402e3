/** Integers as WebAssembly stores them: seven bits per byte, lowest first, the top bit set on all but the last. */

/** An unsigned 32-bit integer. */
export function unsigned(n: number): number[] {
  const bytes: number[] = [];
  let rest = n >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** A signed 32-bit integer: the last byte's second-highest bit carries the sign. */
export function signed(n: number): number[] {
  const bytes: number[] = [];
  let rest = n | 0;
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}
