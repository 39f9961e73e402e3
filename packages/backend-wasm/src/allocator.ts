/**
 * Every block may be read and written this many bytes beyond its end: kernels work in groups of up to sixteen elements of
 * four bytes, and finish the last group of a row without looking where it ends.
 */
export const margin = 64;

/** Blocks start at multiples of this, a cache line. */
const alignment = 64;

/** The smallest block, so that the sizes of all classes are multiples of the alignment. */
const smallestExponent = 8;

/** Four sizes per power of two, so that at most a fifth of a block is unused. */
const classesPerDoubling = 4;

/** The index of the smallest class that holds `bytes`. */
function classOf(bytes: number): number {
  const size = Math.max(bytes, 2 ** smallestExponent);
  const exponent = Math.floor(Math.log2(size));
  const steps = Math.ceil(((size - 2 ** exponent) * classesPerDoubling) / 2 ** exponent);
  return (exponent - smallestExponent) * classesPerDoubling + steps;
}

function sizeOfClass(index: number): number {
  const exponent = smallestExponent + Math.floor(index / classesPerDoubling);
  return (2 ** exponent * (classesPerDoubling + (index % classesPerDoubling))) / classesPerDoubling;
}

/** A stretch of memory, which knows its size class so that it can be given back. */
export interface Extent {
  readonly pointer: number;
  readonly sizeClass: number;
}

/**
 * Hands out stretches of one address space by size class. A freed one is reused before new space is taken: touching new
 * memory costs ten times as much as touching it again.
 */
export class Allocator {
  readonly #free: Extent[][] = [];
  /** Where unused space begins. */
  #end: number;
  readonly #reserve: (end: number) => boolean;

  /** `reserve` makes the space below an address usable, or says that it cannot. */
  constructor(start: number, reserve: (end: number) => boolean) {
    this.#end = Math.ceil(start / alignment) * alignment;
    this.#reserve = reserve;
  }

  /** Space for `bytes` and the margin; `undefined` when there is none. */
  allocate(bytes: number): Extent | undefined {
    const sizeClass = classOf(bytes);
    return this.#free[sizeClass]?.pop() ?? this.#extend(sizeClass) ?? this.#larger(sizeClass);
  }

  free(extent: Extent): void {
    let list = this.#free[extent.sizeClass];
    if (!list) {
      list = [];
      this.#free[extent.sizeClass] = list;
    }
    list.push(extent);
  }

  #extend(sizeClass: number): Extent | undefined {
    const pointer = this.#end;
    const end = pointer + sizeOfClass(sizeClass) + margin;
    if (!this.#reserve(end)) return undefined;
    this.#end = end;
    return { pointer, sizeClass };
  }

  /** The last resort: the smallest free block that is large enough. */
  #larger(sizeClass: number): Extent | undefined {
    return this.#free
      .slice(sizeClass + 1)
      .find((list) => list && list.length > 0)
      ?.pop();
  }
}
