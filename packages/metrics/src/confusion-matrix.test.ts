import { TensorError } from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracy, confusionMatrix, correctness } from './confusion-matrix.ts';

const classes = 4;
const aClass = fc.nat(classes - 1);
const examples = fc.array(fc.record({ predicted: aClass, target: aClass }));

const matrixOf = (list: readonly { predicted: number; target: number }[]) =>
  confusionMatrix(
    list.map(({ predicted }) => predicted),
    list.map(({ target }) => target),
    classes,
  );

describe('confusionMatrix', () => {
  test("has a row per true class and a column per predicted class, as in scikit-learn's example", () => {
    expect(confusionMatrix([0, 0, 2, 2, 0, 2], [2, 0, 2, 2, 0, 1], 3)).toEqual([
      [2, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]);
  });

  test('counts every example once, in the row of its target', () => {
    fc.assert(
      fc.property(examples, (list) => {
        const supports = matrixOf(list).map((row) => row.reduce((a, b) => a + b, 0));
        expect(supports).toEqual([0, 1, 2, 3].map((i) => list.filter(({ target }) => target === i).length));
      }),
    );
  });

  test('is transposed when predictions and targets change places', () => {
    fc.assert(
      fc.property(examples, (list) => {
        const matrix = matrixOf(list);
        const swapped = matrixOf(list.map(({ predicted, target }) => ({ predicted: target, target: predicted })));
        expect(swapped).toEqual(matrix.map((_, i) => matrix.map((row) => row[i])));
      }),
    );
  });

  test('does not depend on the order of the examples', () => {
    const shuffled = examples.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(matrixOf(other)).toEqual(matrixOf(list));
      }),
    );
  });

  test('reads typed arrays', () => {
    expect(confusionMatrix(Int32Array.of(1, 0), Uint8Array.of(1, 1), 2)).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  test.each([
    [[0, 1], [0], 'confusionMatrix: the lists differ in length (predictions: 2, targets: 1)'],
    [[0, 3], [0, 1], 'confusionMatrix: predictions[1] is 3, but a class is an integer from 0 to 2'],
    [[0], [-1], 'confusionMatrix: targets[0] is -1, but a class is an integer from 0 to 2'],
    [[0.5], [1], 'confusionMatrix: predictions[0] is 0.5, but a class is an integer from 0 to 2'],
  ])('refuses %j for %j', (predictions, targets, message) => {
    expect(() => confusionMatrix(predictions, targets, 3)).toThrow(new TensorError('invalid-argument', message));
  });
});

describe('accuracy', () => {
  test('is the share of predictions that are right', () => {
    fc.assert(
      fc.property(examples, (list) => {
        const right = correctness(
          list.map(({ predicted }) => predicted),
          list.map(({ target }) => target),
        ).filter(Boolean).length;
        expect(accuracy(matrixOf(list))).toBe(list.length === 0 ? 0 : right / list.length);
      }),
    );
  });
});
