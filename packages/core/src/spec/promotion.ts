import { type Category, type DType, defaultFloat, dtypes, type Float8DType, isFloat8 } from './dtype.ts';
import { TensorError } from './errors.ts';
import type { TensorSpec } from './spec.ts';

const columns = ['bool', 'uint8', 'int32', 'float16', 'bfloat16', 'float32', 'float64'] as const;

/** The promotion lattice of two dtypes of equal participation (AMP.md D4.2; PyTorch's `promote_types`). */
const lattice: { readonly [D in Exclude<DType, Float8DType>]: readonly DType[] } = {
  // with   bool        uint8       int32       float16    bfloat16    float32    float64
  bool: ['bool', 'uint8', 'int32', 'float16', 'bfloat16', 'float32', 'float64'],
  uint8: ['uint8', 'uint8', 'int32', 'float16', 'bfloat16', 'float32', 'float64'],
  int32: ['int32', 'int32', 'int32', 'float16', 'bfloat16', 'float32', 'float64'],
  float16: ['float16', 'float16', 'float16', 'float16', 'float32', 'float32', 'float64'],
  bfloat16: ['bfloat16', 'bfloat16', 'bfloat16', 'float32', 'bfloat16', 'float32', 'float64'],
  float32: ['float32', 'float32', 'float32', 'float32', 'float32', 'float32', 'float64'],
  float64: ['float64', 'float64', 'float64', 'float64', 'float64', 'float64', 'float64'],
};

/**
 * The smallest dtype that holds both (`torch.promote_types`).
 *
 * @throws TensorError `dtype-mismatch` for an 8-bit float beside anything else: which rounding is wanted must be said.
 */
export function promoteTypes(a: DType, b: DType): DType {
  if (isFloat8(a) || isFloat8(b)) {
    if (a === b) return a;
    throw new TensorError('dtype-mismatch', `promoteTypes: ${a} and ${b} do not promote. Cast one of them first.`);
  }
  return lattice[a][columns.indexOf(b)] as DType;
}

const rank: { readonly [C in Category]: number } = { bool: 0, integer: 1, float: 2 };

/** How strongly an operand takes part in promotion: numbers below 0-dim tensors below the rest (AMP.md D4.1). */
function participation({ shape, isNumber }: TensorSpec): number {
  if (isNumber) return 0;
  return shape.length === 0 ? 1 : 2;
}

/**
 * The dtype of an elementwise result (`torch.result_type`).
 *
 * Operands of the highest participation promote among themselves; a weaker one takes part only if its category is
 * higher, and a weaker *number* then brings the default float, not its own width (AMP.md D4.3).
 */
export function resultType(...operands: readonly TensorSpec[]): DType {
  const tiers: (DType | undefined)[] = [undefined, undefined, undefined];
  for (const operand of operands) {
    const tier = participation(operand);
    const soFar = tiers[tier];
    tiers[tier] = soFar === undefined ? operand.dtype : promoteTypes(soFar, operand.dtype);
  }
  const [number, zeroDim, dimensioned] = tiers;
  let result = dimensioned;
  for (const weaker of [zeroDim, number]) {
    if (weaker === undefined) continue;
    if (result === undefined) result = weaker;
    else if (rank[dtypes[weaker].category] > rank[dtypes[result].category]) {
      result = weaker === number && dtypes[weaker].category === 'float' ? defaultFloat : weaker;
    }
  }
  return result ?? defaultFloat;
}
