import { type DimPadding, encodeNumbers, stridesOf, type TensorSpec } from '@halfgrad/core';
import { glslTexel, glslTypes } from '../glsl/codecs.ts';
import type { Runtime, Uniform } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';

/** `x` between borders and with gaps of `value`. */
export function padded(
  runtime: Runtime,
  x: GpuTensor,
  padding: readonly DimPadding[],
  value: number,
  out: TensorSpec,
): GpuTensor {
  const { dtype } = x;
  const kind = glslTypes[dtype];
  const strides = stridesOf(x.shape);
  const uniforms: Record<string, Uniform> = {
    value: kind === 'float' ? ['Float', value] : ['Integer', encodeNumbers([value], dtype)[0]!],
  };
  padding.forEach(({ low, interior }, dim) => {
    uniforms[`outSize${dim}`] = ['Integer', out.shape[dim]!];
    uniforms[`size${dim}`] = ['Integer', x.shape[dim]!];
    uniforms[`step${dim}`] = ['Integer', strides[dim]!];
    uniforms[`low${dim}`] = ['Integer', low];
    uniforms[`gap${dim}`] = ['Integer', interior + 1];
  });
  const dims = padding.map((_, dim) => dim).toReversed();
  return runtime.compute(out, {
    name: `pad ${dtype} ^${padding.length}`,
    textures: { x: runtime.textureOf(x) },
    uniforms,
    body: () => `${glslTexel(dtype)} compute() {
  int rest = outputIndex();
  int at = 0;
  bool isInside = true;
  int c;
  ${dims.map(locate).join('\n  ')}
  ${kind} value = user_value;
  if (isInside) value = decode_${dtype}(texelFetch(user_x, texelAt(user_xDim, at), 0));
  return encode_${dtype}(value);
}`,
  });
}

function locate(dim: number): string {
  return `c = rest % user_outSize${dim} - user_low${dim};
  rest /= user_outSize${dim};
  isInside = isInside && c >= 0 && c % user_gap${dim} == 0 && c / user_gap${dim} < user_size${dim};
  at += c / user_gap${dim} * user_step${dim};`;
}
