import { cpu } from '@halfgrad/backend-cpu';
import { type HalfDType, manualSeed, ones, randn, setDefaultDevice, type Tensor, tensor, zeros } from '@halfgrad/core';
import { BatchNorm1d, Linear, Sequential } from '@halfgrad/nn';
import { describeShared, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { fullEval, measureDrift } from './full-eval.ts';
import { isAutocastEnabled } from './region.ts';

setDefaultDevice(cpu);

/** What the experiment with the Trainer used: a linear layer and a batch norm. */
function createModel(): Sequential {
  manualSeed(3);
  return new Sequential(new Linear(4, 3), new BatchNorm1d(3));
}

const x = ((): Tensor => {
  manualSeed(4);
  return randn([8, 4]);
})();

const tensorsOf = (model: Sequential): Tensor[] => [...model.parameters(), ...model.buffers()];
const dtypesOf = (model: Sequential): string[] => tensorsOf(model).map(({ dtype }) => dtype);

describe('full evaluation in 16 bit', () => {
  test.each<HalfDType>(['float16', 'bfloat16'])(
    'casts parameters and floating-point buffers to %s, integers not, without autocast (E1.1, E1.5)',
    (dtype) => {
      const model = createModel();
      fullEval(model, dtype, () => {
        expect(dtypesOf(model)).toEqual([...Array(6).fill(dtype), 'int32']);
        expect(isAutocastEnabled()).toBe(false);
      });
    },
  );

  test('puts the very tensors back that were there, also when the body throws (E1.2, E1.8, T-X-12)', () => {
    const model = createModel();
    const before = tensorsOf(model);
    const values = before.map((t) => t.toArray());
    fullEval(model, 'float16', (forward) => forward(x));
    expect(() =>
      fullEval(model, 'bfloat16', () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(tensorsOf(model).every((t, i) => t === before[i])).toBe(true);
    expect(tensorsOf(model).map((t) => t.toArray())).toEqual(values);
  });

  test('waits for an asynchronous body before it does (E1.8)', async () => {
    const model = createModel();
    const evaluation = fullEval(model, 'float16', async (forward) => {
      const values = await forward(x).data();
      return [values.length, model.parameters()[0]?.dtype];
    });
    expect(model.parameters()[0]?.dtype).toBe('float16');
    expect(await evaluation).toEqual([24, 'float16']);
    expect(model.parameters()[0]?.dtype).toBe('float32');
    const failing = fullEval(model, 'float16', () => Promise.reject(new Error('inside')));
    await expect(failing).rejects.toThrow('inside');
    expect(model.parameters()[0]?.dtype).toBe('float32');
  });

  test('casts inputs, widens outputs and records nothing (E1.4, E1.8)', () => {
    const model = createModel();
    const out = fullEval(model, 'float16', (forward) => forward(x));
    expect([out.dtype, out.requiresGrad]).toEqual(['float32', false]);
    const byHand = createModel().eval().to('float16').forward(x.to('float16'));
    expect(out.toArray()).toEqual(byHand.to('float32').toArray());
  });

  test('runs in evaluation mode, then gives each module its own mode back', () => {
    const model = createModel();
    const [linear, norm] = model.children();
    linear?.eval();
    const inside = fullEval(model, 'float16', () => model.modules().map(({ training }) => training));
    expect(inside).toEqual([false, false, false]);
    expect([linear?.training, norm?.training]).toEqual([false, true]);
  });

  test('can leave the statistics of norms in float32 (E1.8, A4.3)', () => {
    const model = createModel();
    const inside = fullEval(model, 'float16', () => dtypesOf(model), { normStatistics: 'float32' });
    expect(inside).toEqual(['float16', 'float16', 'float32', 'float32', 'float32', 'float32', 'int32']);
    expect(fullEval(model, 'float16', (forward) => forward(x).dtype, { normStatistics: 'float32' })).toBe('float32');
  });
});

describe('the drift report (E1.8)', () => {
  test('is zero for a model whose numbers 16 bit holds exactly', async () => {
    const model = new Sequential(new Linear(4, 3));
    model.loadStateDict({ '0.weight': ones([3, 4]), '0.bias': zeros([3]) });
    expect(await measureDrift(model, 'float16', [ones([2, 4]), ones([1, 4])])).toEqual({
      dtype: 'float16',
      maxAbsDifference: 0,
      meanAbsDifference: 0,
      overflowed: 0,
      changedPredictions: 0,
      predictions: 3,
    });
  });

  test('is within the format of the weights and the logits otherwise', async () => {
    const report = await measureDrift(createModel(), 'bfloat16', [x]);
    // Two layers: inputs, weights and results are rounded to 8 significant bits, sums of 4 products below 4 · 3.
    expect(report.maxAbsDifference).toBeGreaterThan(0);
    expect(report.maxAbsDifference).toBeLessThanOrEqual(4 * 12 * 2 ** -8);
    expect(report.meanAbsDifference).toBeLessThanOrEqual(report.maxAbsDifference);
    expect(report.predictions).toBe(8);
  });

  const twoLogits = (...weights: readonly [number, number]): Sequential => {
    const model = new Sequential(new Linear(1, 2, { bias: false }));
    model.loadStateDict({ '0.weight': tensor(weights, { shape: [2, 1] }) });
    return model;
  };

  test('counts outputs that overflowed', async () => {
    const report = await measureDrift(twoLogits(60000, 1), 'float16', [ones([1, 1]).mul(2)]);
    expect(report).toMatchObject({ overflowed: 1, maxAbsDifference: Number.POSITIVE_INFINITY, changedPredictions: 0 });
  });

  test('counts predictions that changed', async () => {
    // In float16 1 + 2⁻¹² is 1, and the first of two equal logits wins.
    const report = await measureDrift(twoLogits(1, 1 + 2 ** -12), 'float16', [ones([3, 1])]);
    expect(report).toMatchObject({ changedPredictions: 3, predictions: 3, maxAbsDifference: 2 ** -12 });
  });

  test('needs inputs', async () => {
    await expect(measureDrift(createModel(), 'float16', [])).rejects.toThrow(/no inputs/);
  });
});

interface Observation {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly call: string;
  readonly param_dtype?: string;
  readonly float_buffers_dtype?: string;
  readonly autocast_active?: boolean;
  readonly model_left_in?: string;
}

const file = 'golden/hf_full_eval.json';
describeShared('the flags of the Trainer', [file], () => {
  const { cases } = readJson<{ readonly cases: readonly Observation[] }>(file);
  const evaluations = cases.filter(({ model_left_in: left, call }) => left !== undefined || /predict\(\)$/.test(call));

  test.each(evaluations.filter(({ flags }) => flags['fp16_full_eval'] ?? flags['bf16_full_eval']))(
    'cast as fullEval does during $call (E1.1, E1.4), and leave the model so, which it does not (E1.2)',
    ({ param_dtype: dtype, float_buffers_dtype: buffers = dtype, autocast_active: isActive }) => {
      const model = createModel();
      fullEval(model, dtype as HalfDType, () => {
        expect(new Set(model.parameters().map((p) => p.dtype))).toEqual(new Set([dtype]));
        expect(model.buffers()[0]?.dtype).toBe(buffers);
        expect(isAutocastEnabled()).toBe(isActive);
      });
      expect(new Set(model.parameters().map((p) => p.dtype))).toEqual(new Set(['float32']));
    },
  );
});
