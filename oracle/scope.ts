const otherInteger = 'integers are bool, uint8 and int32: masks, bytes and indices, which is what training needs';
const otherFloat = 'a float of 8 bits or fewer that training does not store: it has float8_e4m3fn and float8_e5m2';
const scattering = 'scattering adds, as the gradient of gathering does';

/** What the library leaves out on purpose, by what a case needs, with the reason. Whatever else it lacks is missing. */
export const outOfScope: Readonly<Record<string, string>> = {
  'dtype int2': otherInteger,
  'dtype int4': otherInteger,
  'dtype int8': otherInteger,
  'dtype int16': otherInteger,
  'dtype uint2': otherInteger,
  'dtype uint4': otherInteger,
  'dtype uint16': otherInteger,
  'dtype uint32': otherInteger,
  'dtype uint64': otherInteger,
  'int64 beyond 32 bits': 'int64 is read as int32, which holds indices and class labels',
  'dtype string': 'tensors hold numbers',
  'dtype float4_e2m1fn': otherFloat,
  'dtype float6_e2m3fn': otherFloat,
  'dtype float6_e3m2fn': otherFloat,
  'dtype float8_e3m4': otherFloat,
  'dtype float8_e4m3': otherFloat,
  'dtype float8_e4m3b11fnuz': otherFloat,
  'dtype float8_e4m3fnuz': otherFloat,
  'dtype float8_e5m2fnuz': otherFloat,
  'dtype float8_e8m0fnu': otherFloat,
  'int64 apart from int32': 'int64 is read as int32',
  'a plain bool as operand': 'operands are tensors and numbers',
  'arithmetic in place': 'tensors are immutable; only optimizers and scalers write, through update',
  'linear layers of integers': 'integers have no gradient; matmul takes them',
  'a growth tracker that passed its interval': "PyTorch's scale is stuck there; ours grows (AMP.md B5.4)",
  'an overflow of unscaling that goes unnoticed': 'what comes out is checked as well as what goes in (AMP.md B3.7)',
  'truth values that are uint8': 'any and all give bool; PyTorch keeps uint8 for its older masks',
  'argmax refusing bools': 'the maximum of a mask is the first true one',
  'promotion of floor_divide': 'no op divides integers by integers',
  'ONNX BitCast': 'no op reads the bits of one dtype as another',
  'ONNX Det': 'there is no linear algebra beyond products',
  'scatter by max': scattering,
  'scatter by min': scattering,
  'scatter by mul': scattering,
  "draws of NumPy's generator": 'random numbers are drawn from Philox, which is what makes dropout free of memory',
  'clamp to NaN': 'a bound that is NaN is refused: it is a mistake more often than a wish',
};

/** Why the library leaves `need` out, if it does so on purpose. */
export function reasonFor(need: string): string | undefined {
  return Object.hasOwn(outOfScope, need) ? outOfScope[need] : undefined;
}
