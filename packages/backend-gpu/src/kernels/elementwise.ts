import { sameShape, type TensorSpec } from '@halfgrad/core';
import { type GpuDType, requireSupported } from '../gl/format.ts';
import type { Texture } from '../gl/texture.ts';
import { convert, glslTexel, glslTypes, rounded } from '../glsl/codecs.ts';
import type { Pass, Runtime, Uniform } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import { broadcastStrides } from './layout.ts';
import { type Offsets, planOffsets } from './offsets.ts';

/** An input of an elementwise pass and the dtype that it is computed in. */
export interface Operand {
  readonly tensor: GpuTensor;
  readonly as: GpuDType;
  /** Whether it is rounded to that dtype first, which matters where an integer meets a 16-bit float. */
  readonly round?: boolean;
}

/** A formula over corresponding elements. */
export interface ElementwisePass {
  readonly name: string;
  readonly operands: Readonly<Record<string, Operand>>;
  readonly uniforms?: Readonly<Record<string, Uniform>>;
  /** GLSL functions that the formula calls, which may use uniforms. */
  readonly functions?: string;
  /** GLSL in terms of the operands' names, and `user_<name>` for uniforms. */
  readonly formula: string;
  /** The dtype whose values the formula computes. */
  readonly computes: GpuDType;
}

/** How an operand is read: as a uniform, at the texel of the output, or at an index of its own. */
type Access = 'number' | 'same' | 'walk';

/** A formula for every element of the result; operands broadcast. */
export function elementwise(runtime: Runtime, pass: ElementwisePass, out: TensorSpec): GpuTensor {
  return runtime.compute(out, elementwisePass(runtime, pass, out));
}

export function elementwisePass(runtime: Runtime, pass: ElementwisePass, out: TensorSpec): Pass {
  const target = requireSupported(out.dtype);
  const operands = Object.entries(pass.operands);
  const access = operands.map(([, { tensor }]) => accessOf(tensor, out.shape));
  const walked = operands.filter((_, k) => access[k] === 'walk');
  const offsets = walked.length > 0 ? offsetsOf(walked, out) : undefined;
  const textures: Record<string, Texture> = {};
  const uniforms: Record<string, Uniform> = { ...pass.uniforms, ...offsets?.uniforms };
  const kinds = operands.map(([name, { tensor, as, round }], k) => {
    if (access[k] === 'number') uniforms[name] = [uniformTypes[glslTypes[tensor.dtype]], tensor.block.number!];
    else textures[name] = runtime.textureOf(tensor);
    return `${name}=${tensor.dtype}>${as}${round ? '!' : ''}:${access[k]}`;
  });
  const body = (): string => {
    const reads = operands.map(([name, { tensor, as, round }], k) => {
      const value = convert(readings[access[k]!](name, tensor.dtype), tensor.dtype, as);
      return `${glslTypes[as]} ${name} = ${round ? rounded(value, as) : value};`;
    });
    return `${pass.functions ?? ''}
${glslTexel(target)} compute() {
  ${offsets ? `int i = outputIndex();\n  ${offsets.code}` : ''}
  ${reads.join('\n  ')}
  return encode_${target}(${convert(pass.formula, pass.computes, target)});
}`;
  };
  const key = `${pass.name}(${kinds.join(',')})${offsets?.key ?? ''}->${target}`;
  return { name: key, textures, uniforms, body };
}

function offsetsOf(walked: readonly (readonly [string, Operand])[], { shape }: TensorSpec): Offsets {
  const strides = walked.map(([, { tensor }]) => broadcastStrides(tensor.shape, shape));
  return planOffsets(
    walked.map(([name]) => name),
    { sizes: shape, strides },
  );
}

const uniformTypes = { float: 'Float', int: 'Integer' } as const;

const readings: { readonly [A in Access]: (name: string, dtype: GpuDType) => string } = {
  number: (name) => `user_${name}`,
  same: (name, dtype) => `decode_${dtype}(texelFetch(user_${name}, outputTexel(), 0))`,
  walk: (name, dtype) => `decode_${dtype}(texelFetch(user_${name}, texelAt(user_${name}Dim, ${name}At), 0))`,
};

function accessOf({ shape, block }: GpuTensor, out: readonly number[]): Access {
  // gpu.js takes −0 for a 0 that it has uploaded before.
  if (block.number !== undefined && !Object.is(block.number, -0)) return 'number';
  return sameShape(shape, out) ? 'same' : 'walk';
}
