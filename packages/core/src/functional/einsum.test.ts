import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { broadcastShapes, einsum, matmul, ones, setDefaultDevice, type Tensor, TensorError, tensor } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

/** One to three operands of up to three dimensions named by few letters, so that they share and repeat some. */
const contractions = fc
  .record({
    terms: fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    sizes: fc.record({ a: fc.nat(3), b: fc.nat(3), c: fc.nat(3), d: fc.nat(3) }),
    seed: fc.nat(),
  })
  .chain(({ terms, ...rest }) => {
    const letters = [...new Set(terms.flat())];
    return fc.shuffledSubarray(letters).map((output) => ({ terms, output, ...rest }));
  });

describe('einsum', () => {
  test('is the sum over all values of the letters that the result does not have', () => {
    fc.assert(
      fc.property(contractions, ({ terms, output, sizes, seed }) => {
        const operands = terms.map((term, i) =>
          integers(
            term.map((letter) => sizes[letter]),
            seed + i,
          ),
        );
        const equation = `${terms.map((term) => term.join('')).join(',')}->${output.join('')}`;
        expect(einsum(equation, ...operands).toArray()).toEqual(naive(terms, output, sizes, operands).toArray());
      }),
      { numRuns: 300 },
    );
  });

  test('aligns what "..." stands for at the right, and broadcasts it', () => {
    const [a, b] = [integers([2, 1, 2, 3], 1), integers([4, 3, 2], 2)];
    const batched = einsum('...ij,...jk->...ik', a, b);
    expect(batched.shape).toEqual([...(broadcastShapes([2, 1], [4]) ?? []), 2, 2]);
    expect(batched.toArray()).toEqual(matmul(a, b).toArray());
    expect(einsum('i...->...', a).toArray()).toEqual(a.sum(0).toArray());
  });

  test('without an arrow gives the letters that occur once, in alphabetical order', () => {
    const [a, b] = [integers([2, 3], 1), integers([2, 4], 2)];
    expect(einsum('ji,jb', a, b).toArray()).toEqual(einsum('ji,jb->bi', a, b).toArray());
  });

  test.each([
    ['ij,jk', 'names 2 operands'],
    ['i->i', 'Use "..."'],
    ['ij->ijk', 'which no operand has'],
    ['ij->ii', 'repeats a letter'],
    ['i1->i', 'is not made of letters'],
    ['ij->i->j', 'several arrows'],
    ['......', 'at most one'],
  ])('says what is wrong with %s', (equation, problem) => {
    expect(() => einsum(equation, ones([2, 3]))).toThrow(problem);
    expect(() => einsum(equation, ones([2, 3]))).toThrow(TensorError);
  });

  test('says which letter has two sizes', () => {
    expect(() => einsum('ij,jk->ik', ones([2, 3]), ones([4, 5]))).toThrow('"j" in "ij,jk->ik" is both 3 and 4');
  });
});

/** Small whole numbers, whose sums of products are exact in any order. */
function integers(shape: readonly number[], seed: number): Tensor {
  const count = shape.reduce((size, n) => size * n, 1);
  const values = Int32Array.from({ length: count }, (_, i) => ((i * 7 + seed * 13) % 11) - 5);
  return tensor(values, { shape, dtype: 'int32' });
}

type Sizes = Readonly<Record<string, number>>;

function naive(
  terms: readonly (readonly string[])[],
  output: readonly string[],
  sizes: Sizes,
  operands: readonly Tensor[],
): Tensor {
  const letters = [...new Set(terms.flat())];
  const shape = output.map((letter) => sizes[letter] as number);
  const result = new Int32Array(shape.reduce((size, n) => size * n, 1));
  const values = operands.map((operand) => operand.dataSync());
  for (const assignment of assignments(letters, sizes)) {
    const product = terms.reduce(
      (soFar, term, i) => soFar * (values[i]?.[position(term, sizes, assignment)] as number),
      1,
    );
    result[position(output, sizes, assignment)] = (result[position(output, sizes, assignment)] as number) + product;
  }
  return tensor(result, { shape, dtype: 'int32' });
}

function assignments(letters: readonly string[], sizes: Sizes): Sizes[] {
  return letters.reduce<Sizes[]>(
    (soFar, letter) =>
      soFar.flatMap((some) => Array.from({ length: sizes[letter] as number }, (_, i) => ({ ...some, [letter]: i }))),
    [{}],
  );
}

function position(labels: readonly string[], sizes: Sizes, assignment: Sizes): number {
  return labels.reduce((at, label) => at * (sizes[label] as number) + (assignment[label] as number), 0);
}
