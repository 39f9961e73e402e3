import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { renderTable } from './table.ts';
import { fill, pad, widthOf, wrap } from './text.ts';

const colors = pc.createColors(true);
const cell = fc.stringMatching(/^[a-z·]{0,12}$/);
const words = fc.array(fc.stringMatching(/^[a-z·]{1,12}$/), { minLength: 1, maxLength: 30 });

describe('tables', () => {
  test('align their columns', () => {
    const rows = [
      ['', 'none', 'automatic'],
      ['accuracy', '84.2', '9.25'],
    ];
    expect(renderTable(rows, ['left', 'right', 'right'])).toEqual([
      '          none  automatic',
      'accuracy  84.2       9.25',
    ]);
  });

  test('look the same in colour', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), (plain) => {
        const painted = plain.map(([first, second]) => [colors.bold(first), colors.red(second)]);
        const seen = renderTable(painted, ['left', 'right']).map((line) => stripVTControlCharacters(line).trimEnd());
        expect(seen).toEqual(renderTable(plain, ['left', 'right']));
      }),
    );
  });
});

describe('text', () => {
  test('is measured without its colours, and by characters', () => {
    expect(widthOf(colors.bold(colors.green('ab·')))).toBe(3);
    expect(pad(colors.red('a'), 3, 'right')).toBe(`  ${colors.red('a')}`);
    expect(pad('abcd', 3, 'left')).toBe('abcd');
  });

  test('is wrapped at spaces, losing nothing, with no line too long or needlessly short', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 12, max: 60 }), (list, width) => {
        const lines = wrap(list.join(' '), width);
        expect(lines.join(' ')).toBe(list.join(' '));
        expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
        lines.slice(1).forEach((line, i) => {
          const next = line.split(' ')[0] as string;
          expect(widthOf(lines[i] as string) + 1 + widthOf(next)).toBeGreaterThan(width);
        });
      }),
    );
  });

  test('is not broken inside its parts', () => {
    expect(fill(['3 epochs', 'batch 32', 'seed 1'], ' · ', 20)).toEqual(['3 epochs · batch 32', 'seed 1']);
    expect(fill(['longer than the line'], ' ', 5)).toEqual(['longer than the line']);
  });
});
