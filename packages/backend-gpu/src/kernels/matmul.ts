import { sizeOf } from '@halfgrad/core';
import { requireSupported } from '../gl/format.ts';
import { glslTexel, glslTypes } from '../glsl/codecs.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Attempts } from './attempt.ts';
import { broadcastStrides } from './layout.ts';
import { planOffsets } from './offsets.ts';
import { fits, type Matrix, type Product, packedProduct } from './packed-product.ts';

export function matmulOps(runtime: Runtime): Attempts {
  return {
    matmul({ a, b }, { transposeA, transposeB }, out) {
      if (glslTypes[a.dtype] !== 'float') return undefined;
      const batch = out.shape.slice(0, -2);
      return multiply(runtime, {
        left: matrixOf(a, transposeA, batch),
        right: matrixOf(b, transposeB, batch),
        bias: undefined,
        batch,
        out,
      });
    },
    linear({ x, weight, bias }, _, out) {
      const inner = x.shape.at(-1)!;
      const rows: GpuTensor = { ...x, shape: [sizeOf(x.shape.slice(0, -1)), inner] };
      return multiply(runtime, {
        left: matrixOf(rows, false, []),
        right: matrixOf(weight, true, []),
        bias,
        batch: [],
        out,
      });
    },
  };
}

function multiply(runtime: Runtime, product: Product): GpuTensor {
  return fits(runtime, product) ? packedProduct(runtime, product) : directProduct(runtime, product);
}

/** A batch of matrices, transposed by reading it so. */
function matrixOf(x: GpuTensor, transposed: boolean, batch: readonly number[]): Matrix {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const steps = broadcastStrides(x.shape.slice(0, -2), batch).map((step) => step * rows * columns);
  const walk = { sizes: batch, strides: [steps] };
  return transposed
    ? { tensor: x, rows: columns, columns: rows, rowStep: 1, columnStep: columns, walk }
    : { tensor: x, rows, columns, rowStep: columns, columnStep: 1, walk };
}

/** One invocation per element: for products whose operands do not fit into textures of rows. */
function directProduct(runtime: Runtime, { left, right, bias, batch, out }: Product): GpuTensor {
  const dtype = requireSupported(out.dtype);
  const strides = [left.walk.strides[0]!, right.walk.strides[0]!];
  const { key, uniforms, code } = planOffsets(['a', 'b'], { sizes: batch, strides });
  const read = (name: string, { tensor }: Matrix, at: string): string =>
    `decode_${tensor.dtype}(texelFetch(user_${name}, texelAt(user_${name}Dim, ${at}), 0))`;
  return runtime.compute(out, {
    name: `direct product ${left.tensor.dtype} ${dtype} ${key}${bias ? ' bias' : ''}`,
    textures: {
      a: runtime.textureOf(left.tensor),
      b: runtime.textureOf(right.tensor),
      ...(bias && { bias: runtime.textureOf(bias) }),
    },
    uniforms: {
      ...uniforms,
      rows: ['Integer', left.rows],
      columns: ['Integer', right.columns],
      inner: ['Integer', left.columns],
      aRow: ['Integer', left.rowStep],
      aColumn: ['Integer', left.columnStep],
      bRow: ['Integer', right.rowStep],
      bColumn: ['Integer', right.columnStep],
    },
    body: () => `${glslTexel(dtype)} compute() {
  int element = outputIndex();
  int n = element % user_columns;
  int m = element / user_columns % user_rows;
  int i = element / user_columns / user_rows;
  ${code}
  float total = 0.0;
  for (int k = 0; k < user_inner; k++) {
    total += ${read('a', left, 'aAt + m * user_aRow + k * user_aColumn')} * ${read('b', right, 'bAt + k * user_bRow + n * user_bColumn')};
  }
  ${bias ? `total += decode_${bias.dtype}(texelFetch(user_bias, texelAt(user_biasDim, n), 0));` : ''}
  return encode_${dtype}(total);
}`,
  });
}
