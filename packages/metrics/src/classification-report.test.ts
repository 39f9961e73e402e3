import { expect, test } from 'vitest';
import { classificationReport, formatClassificationReport } from './classification-report.ts';
import { confusionMatrix } from './confusion-matrix.ts';

// The example of scikit-learn's documentation of classification_report.
const matrix = confusionMatrix([0, 0, 2, 2, 1], [0, 1, 2, 2, 2], 3);

test("the classification report agrees with scikit-learn's example", () => {
  expect(formatClassificationReport(classificationReport(matrix, ['class 0', 'class 1', 'class 2']))).toBe(
    [
      '                  precision  recall     F1  support',
      'class 0               0.500   1.000  0.667        1',
      'class 1               0.000   0.000  0.000        1',
      'class 2               1.000   0.667  0.800        3',
      'accuracy                             0.600        5',
      'macro average         0.500   0.556  0.489        5',
      'weighted average      0.700   0.600  0.613        5',
    ].join('\n'),
  );
});

test('classes without names are called by their numbers', () => {
  expect(classificationReport(matrix).classes.map(({ name }) => name)).toEqual(['0', '1', '2']);
});

test('a list of names that does not fit the matrix is refused', () => {
  expect(() => classificationReport(matrix, ['cat', 'dog'])).toThrow(
    'classificationReport: the lists differ in length (matrix: 3, classNames: 2)',
  );
});
