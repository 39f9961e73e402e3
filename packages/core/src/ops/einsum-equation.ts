import { TensorError } from '../spec/errors.ts';
import type { TensorSpec } from '../spec/spec.ts';

/** What an equation says about given shapes: a label per dimension of every operand, and those of the result. */
export interface EinsumPlan {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

/**
 * Reads an equation such as `'bij,bjk->bik'`. `...` stands for the dimensions that have no letter, aligned at the right;
 * without an arrow the result has those and the letters that occur once, in alphabetical order, as in PyTorch.
 *
 * @throws TensorError `invalid-argument` for what is no equation, `shape-mismatch` where it does not fit the shapes.
 */
export function planEinsum(equation: string, tensors: readonly TensorSpec[]): EinsumPlan {
  const [left = '', right, ...more] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (more.length > 0) throw malformed(equation, 'it has several arrows');
  if (terms.length !== tensors.length) {
    throw malformed(equation, `it names ${terms.length} operands, but ${tensors.length} are given`);
  }
  const operands = terms.map((term, i) => labelsOf(equation, term, (tensors[i] as TensorSpec).shape));
  const unnamed = Math.max(0, ...operands.map((labels) => labels.filter(isUnnamed).length));
  const output = right === undefined ? impliedOutput(operands, unnamed) : outputLabels(equation, right, unnamed);
  const sizes = sizesOf(equation, operands, tensors);
  const unknown = output.find((label) => !sizes.has(label));
  if (unknown !== undefined) throw malformed(equation, `the result has "${unknown}", which no operand has`);
  if (new Set(output).size < output.length) throw malformed(equation, 'the result repeats a letter');
  return { operands, output, sizes };
}

/** Dimensions under `...` are numbered from the right. */
function isUnnamed(label: string): boolean {
  return label.startsWith('.');
}

function unnamedLabels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `.${count - 1 - i}`);
}

function labelsOf(equation: string, term: string, shape: readonly number[]): string[] {
  const { before, after, hasEllipsis } = splitTerm(equation, term);
  const unnamed = shape.length - before.length - after.length;
  if (unnamed < 0 || (unnamed > 0 && !hasEllipsis)) {
    throw new TensorError(
      'shape-mismatch',
      `einsum: "${term}" in "${equation}" has ${before.length + after.length} letters, its operand ${shape.length} dimensions. Use "..." for the rest.`,
    );
  }
  return [...before, ...unnamedLabels(unnamed), ...after];
}

function outputLabels(equation: string, term: string, unnamed: number): string[] {
  const { before, after, hasEllipsis } = splitTerm(equation, term);
  return [...before, ...(hasEllipsis ? unnamedLabels(unnamed) : []), ...after];
}

function splitTerm(equation: string, term: string): { before: string[]; after: string[]; hasEllipsis: boolean } {
  const [before = '', after, ...more] = term.split('...');
  const letters = before + (after ?? '');
  if (more.length > 0 || !/^[A-Za-z]*$/.test(letters)) {
    throw malformed(equation, `"${term}" is not made of letters and at most one "..."`);
  }
  return { before: [...before], after: [...(after ?? '')], hasEllipsis: after !== undefined };
}

function impliedOutput(operands: readonly (readonly string[])[], unnamed: number): string[] {
  const letters = operands.flat().filter((label) => !isUnnamed(label));
  const once = letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label));
  return [...unnamedLabels(unnamed), ...once.sort()];
}

/** Sizes of 1 broadcast. */
function sizesOf(
  equation: string,
  operands: readonly (readonly string[])[],
  tensors: readonly TensorSpec[],
): Map<string, number> {
  const sizes = new Map<string, number>();
  operands.forEach((labels, i) => {
    labels.forEach((label, dim) => {
      const size = tensors[i]?.shape[dim] as number;
      const soFar = sizes.get(label) ?? 1;
      if (soFar !== size && soFar !== 1 && size !== 1) {
        const name = isUnnamed(label) ? '...' : label;
        throw new TensorError(
          'shape-mismatch',
          `einsum: "${name}" in "${equation}" is both ${soFar} and ${size} elements long`,
        );
      }
      sizes.set(label, soFar === 1 ? size : soFar);
    });
  });
  return sizes;
}

function malformed(equation: string, problem: string): TensorError {
  return new TensorError('invalid-argument', `einsum: "${equation}" cannot be read: ${problem}`);
}
