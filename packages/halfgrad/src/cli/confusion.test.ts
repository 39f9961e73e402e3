import fc from 'fast-check';
import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { renderConfusions } from './confusion.ts';
import { widthOf } from './text.ts';

const plain = { colors: pc.createColors(false), columns: 100 };
const float32 = {
  name: 'none',
  matrix: [
    [8, 0, 2],
    [1, 9, 0],
    [0, 0, 10],
  ],
};
const mixed = {
  name: 'automatic',
  matrix: [
    [9, 0, 1],
    [1, 9, 0],
    [0, 3, 7],
  ],
};
const names = ['disc', 'ring', 'square'];

describe('confusion matrices', () => {
  test('stand side by side, with the difference below', () => {
    expect(renderConfusions([float32, mixed], names, plain).join('\n')).toMatchInlineSnapshot(`
      "Images, true classes in rows, predicted ones in columns: 0 disc, 1 ring, 2 square.

             none      │ automatic
              0  1  2  │  0  1  2
      0 dis   8  ·  2  │  9  ·  1
      1 rin   1  9  ·  │  1  9  ·
      2 squ   ·  · 10  │  ·  3  7

             automatic - none
              0  1  2
      0 dis  +1  · -1
      1 rin   ·  ·  ·
      2 squ   · +3 -3"
    `);
  });

  test('show percentages of each class once a count has three digits', () => {
    const many = {
      name: 'none',
      matrix: [
        [150, 50, 0],
        [0, 200, 0],
        [0, 0, 0],
      ],
    };
    expect(renderConfusions([many], names, plain).join('\n')).toMatchInlineSnapshot(`
      "Percent of the images of a class, true classes in rows, predicted ones in columns: 0 disc, 1 ring,
      2 square.

             none
              0  1  2
      0 dis  75 25  ·
      1 rin   ·100  ·
      2 squ   ·  ·  ·"
    `);
  });

  test('paint gains green and losses red', () => {
    const colors = {
      ...pc.createColors(false),
      green: (x: unknown) => `<g>${x}</g>`,
      red: (x: unknown) => `<r>${x}</r>`,
    };
    const lines = renderConfusions([float32, mixed], names, { ...plain, colors });
    const found = lines.join('\n').match(/<(.)>[+-]\d+/g);
    expect(found).toEqual(['<g>+1', '<g>-1', '<r>+3', '<r>-3']);
  });

  test('never exceed the line, and lose no matrix, for any classes and modes', () => {
    const shapes = fc.record({
      classes: fc.integer({ min: 1, max: 40 }),
      modes: fc.integer({ min: 1, max: 5 }),
      count: fc.nat(2000),
      columns: fc.integer({ min: 60, max: 140 }),
    });
    fc.assert(
      fc.property(shapes, ({ classes, modes, count, columns }) => {
        const matrix = Array.from({ length: classes }, (_, i) =>
          Array.from({ length: classes }, (_, j) => (count * (i + j)) % 977),
        );
        const matrices = Array.from({ length: modes }, (_, i) => ({ name: `mode${i}`, matrix }));
        const classNames = Array.from({ length: classes }, (_, i) => `class${i}`);
        const lines = renderConfusions(matrices, classNames, { ...plain, columns });
        expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
        const text = lines.join('\n');
        const isShown = text.includes('mode0');
        for (const { name } of matrices) expect(text.includes(name)).toBe(isShown);
        expect(isShown || text.includes('too many to show')).toBe(true);
      }),
    );
  });

  test('say so when there are too many classes for the line', () => {
    const matrix = new Array(40).fill(new Array(40).fill(1));
    expect(renderConfusions([{ name: 'none', matrix }], new Array(40).fill('x'), plain)).toEqual([
      '40 classes are too many to show; the JSON report has them.',
    ]);
  });
});
