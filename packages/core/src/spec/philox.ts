/**
 * Philox 4x32-10: a counter-based generator. Block `i` of a key depends on nothing but `i` and the key, so any device
 * can compute any part of the stream and all get the same bits.
 *
 * @see Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3", section 3.
 */

const rounds = 10;
const multiplier0 = 0xd251_1f53;
const multiplier1 = 0xcd9e_8d57;
/** The golden ratio and √3 − 1, as fractions of 2^32 (Weyl sequence of the key). */
const weyl0 = 0x9e37_79b9;
const weyl1 = 0xbb67_ae85;

/** Writes the four 32-bit words of one block to `out[at … at + 3]`. `block` may be up to 2^53. */
function philoxBlock(seed: number, block: number, out: Uint32Array, at: number): void {
  // Signed 32-bit arithmetic throughout, which engines keep in integer registers; storing makes it unsigned.
  let c0 = block | 0;
  let c1 = Math.floor(block / 2 ** 32) | 0;
  let c2 = 0;
  let c3 = 0;
  let k0 = seed | 0;
  let k1 = Math.floor(seed / 2 ** 32) | 0;
  for (let round = 0; round < rounds; round++) {
    const high0 = multiplyHigh(multiplier0, c0);
    const low0 = Math.imul(multiplier0, c0);
    const high1 = multiplyHigh(multiplier1, c2);
    const low1 = Math.imul(multiplier1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + weyl0) | 0;
    k1 = (k1 + weyl1) | 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** The upper 32 bits of an unsigned 32 × 32 bit product, modulo 2^32. No partial sum reaches 2^32. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** `count` 32-bit words of the stream of `seed`, starting at block `offset`. */
export function philoxWords(seed: number, offset: number, count: number): Uint32Array {
  const words = new Uint32Array(Math.ceil(count / 4) * 4);
  for (let i = 0; i < words.length; i += 4) philoxBlock(seed, offset + i / 4, words, i);
  return words;
}

/** The number of blocks that `count` words use up. */
export function philoxBlocks(count: number): number {
  return Math.ceil(count / 4);
}

/** A word as a float32 in [0, 1): its upper 24 bits, so that every value is exact. */
export function uniformOf(word: number): number {
  return (word >>> 8) * 2 ** -24;
}
