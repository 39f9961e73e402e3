import { cpu } from '@halfgrad/backend-cpu';
import { TensorError, tensor } from '@halfgrad/core';
import { expect, test } from 'vitest';
import { claim, exactly, Mismatch } from './compare.ts';
import { renderDetails, renderLine } from './report.ts';
import { countOf, runSuite } from './run.ts';
import { outOfScope } from './scope.ts';
import { type Case, Missing, type Suite } from './suite.ts';

const [need, reason] = Object.entries(outOfScope)[0] as [string, string];
const failing = (name: string, error: Error): Case => ({
  name,
  run() {
    throw error;
  },
});

const suite: Suite = {
  name: 'sample',
  source: 'these tests',
  tolerance: 'exact',
  files: [],
  cases: () => [
    { name: 'right', run: (device) => [claim('out', tensor([1], { device }), { shape: [1], values: [1] }, exactly)] },
    { name: 'wrong', run: (device) => [claim('out', tensor([1], { device }), { shape: [1], values: [2] }, exactly)] },
    failing('refused at once', new Mismatch('out: float32[1], recorded float16[1]')),
    failing('refused', new TensorError('shape-mismatch', 'matmul: inner dimensions differ')),
    failing('left out', new Missing(need)),
    failing('forgotten', new Missing('an op')),
    failing('too much for the device', new TensorError('unsupported', 'gpu: no float64')),
  ],
};

test('every case is run, and counted as what it is', async () => {
  const { passed, failed, unsupported, missing } = await runSuite(suite, cpu);
  expect(passed).toBe(1);
  expect(failed).toEqual([
    { case: 'wrong', problem: 'out: 1, recorded 2' },
    { case: 'refused at once', problem: 'out: float32[1], recorded float16[1]' },
    { case: 'refused', problem: 'matmul: inner dimensions differ' },
  ]);
  expect(Object.fromEntries(unsupported)).toEqual({
    [need]: ['left out'],
    'gpu: no float64': ['too much for the device'],
  });
  expect(Object.fromEntries(missing)).toEqual({ 'an op': ['forgotten'] });
});

test('a programming error is a failure with its stack', async () => {
  const broken: Suite = { ...suite, cases: () => [failing('broken', new TypeError('x is undefined'))] };
  const { failed } = await runSuite(broken, cpu);
  expect(failed[0]?.problem).toContain('run.test.ts');
});

test('the report has one line, then failures, what is missing, and what is left out with the reason', async () => {
  const result = { ...(await runSuite(suite, cpu)), milliseconds: 1250 };
  expect(countOf(result.unsupported)).toBe(2);
  expect(renderLine(result, 8)).toBe('sample       1 passed     3 failed     2 not supported     1 missing    1.3 s');
  const text = renderDetails([result], false).join('\n');
  for (const part of ['Failed in sample', 'out: 1, recorded 2', 'an op', need, reason, 'gpu: no float64']) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('left out');
  expect(renderDetails([result], true).join('\n')).toContain('left out');
});
