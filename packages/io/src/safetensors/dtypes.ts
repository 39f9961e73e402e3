import type { ElementType } from '../elements.ts';

/** The bits of an element of each type that files can hold. The order is the format's: of rising alignment. */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** The name of a type in the header of a file. */
export type SafetensorsDType = keyof typeof bits;

const ranks: ReadonlyMap<string, number> = new Map(Object.keys(bits).map((name, rank) => [name, rank]));

/** What files call the types that can be read and written. */
const names: { readonly [T in ElementType]: SafetensorsDType } = {
  bool: 'BOOL',
  uint8: 'U8',
  int32: 'I32',
  int64: 'I64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float16: 'F16',
  bfloat16: 'BF16',
  float32: 'F32',
  float64: 'F64',
};

const types: ReadonlyMap<string, ElementType> = new Map(
  Object.entries(names).map(([type, name]) => [name, type as ElementType]),
);

export function isSafetensorsDType(name: unknown): name is SafetensorsDType {
  return typeof name === 'string' && ranks.has(name);
}

export function bitsOf(dtype: SafetensorsDType): number {
  return bits[dtype];
}

/** The place of a type in the order of alignment. */
export function alignmentRank(dtype: SafetensorsDType): number {
  return ranks.get(dtype) as number;
}

export function safetensorsDType(type: ElementType): SafetensorsDType {
  return names[type];
}

/** What elements of the type are read as, or undefined when they cannot be. */
export function elementTypeOf(dtype: SafetensorsDType): ElementType | undefined {
  return types.get(dtype);
}

export const readableDTypes: readonly SafetensorsDType[] = Object.values(names);
