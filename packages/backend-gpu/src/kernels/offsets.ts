import type { Uniform } from '../runtime.ts';
import { mergeDims, type Walk } from './layout.ts';

/** GLSL that turns the index of an output element into one offset per operand, and what it needs. */
export interface Offsets {
  /** Part of a kernel's name: the code depends on nothing else. */
  readonly key: string;
  readonly uniforms: Readonly<Record<string, Uniform>>;
  /** Declares `int <operand>At` for every operand, given `int i`. */
  readonly code: string;
}

/** The offsets of operands along a walk, each starting at 0 or at an offset of its own. */
export function planOffsets(operands: readonly string[], walk: Walk, starts: readonly number[] = []): Offsets {
  const { sizes, strides } = mergeDims(walk);
  const uniforms: Record<string, Uniform> = {};
  operands.forEach((name, k) => {
    sizes.forEach((_, dim) => {
      uniforms[`${name}Step${dim}`] = ['Integer', strides[k]![dim]!];
    });
    if (starts.length > 0) uniforms[`${name}Start`] = ['Integer', starts[k]!];
  });
  sizes.forEach((size, dim) => {
    if (dim > 0) uniforms[`size${dim}`] = ['Integer', size];
  });
  const declare = operands.map((name) => `int ${name}At = ${starts.length > 0 ? `user_${name}Start` : '0'};`);
  const advance = (dim: number): string[] =>
    operands.map((name) => `${name}At += ${dim > 0 ? 'c' : 'rest'} * user_${name}Step${dim};`);
  const inner = sizes
    .map((_, dim) => dim)
    .slice(1)
    .toReversed();
  const lines = [
    ...declare,
    ...(sizes.length > 0 ? ['int rest = i;'] : []),
    ...(inner.length > 0 ? ['int c;'] : []),
    ...inner.flatMap((dim) => [`c = rest % user_size${dim}; rest /= user_size${dim};`, ...advance(dim)]),
    ...(sizes.length > 0 ? advance(0) : []),
  ];
  return {
    key: `${operands.join(',')}^${sizes.length}${starts.length > 0 ? '+' : ''}`,
    uniforms,
    code: lines.join('\n  '),
  };
}
