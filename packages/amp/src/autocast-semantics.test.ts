import { cpu } from '@halfgrad/backend-cpu';
import {
  addmm,
  concat,
  type DType,
  linear,
  matmul,
  mseLoss,
  noGrad,
  setDefaultDevice,
  softmax,
  type Tensor,
  TensorError,
  tensor,
  update,
  zeros,
} from '@halfgrad/core';
import { describeShared, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { cpuPolicy } from './policies.ts';
import { isAutocastEnabled } from './region.ts';

setDefaultDevice(cpu);

const bf16 = { dtype: 'bfloat16', policy: cpuPolicy } as const;
const matrix = (dtype: DType = 'float32'): Tensor => zeros([2, 2], { dtype });
const weight = (value: number): Tensor => tensor([[value]], { requiresGrad: true });
const set = (w: Tensor, value: number): void => update('assign', { target: w, source: tensor([[value]]) });
const product = (dtype: DType = 'float32'): DType => matmul(matrix(dtype), matrix(dtype)).dtype;

/** The error's code, or what was returned. */
function outcome<R>(body: () => R): R | string {
  try {
    return body();
  } catch (error) {
    if (error instanceof TensorError) return error.code;
    throw error;
  }
}

interface Case {
  /** The rules of AMP.md, or the ids of its section C. */
  readonly rule: string;
  /** What a reference implementation should do: `better` of the file where there is one. */
  readonly expected: unknown;
  readonly run: () => unknown;
}

function underNoGradFirst(): unknown {
  const w = matrix().requireGrad();
  return autocast(bf16, () => {
    const first = noGrad(() => matmul(matrix(), w));
    const second = matmul(matrix(), w);
    second.sum().backward();
    return [first.requiresGrad, second.requiresGrad, w.grad !== undefined];
  });
}

function usedTwice(cacheEnabled: boolean): unknown {
  const w = weight(1);
  const loss = autocast({ ...bf16, cacheEnabled }, () => matmul(tensor([[256]]), w).add(matmul(tensor([[1]]), w)));
  loss.sum().backward();
  return [w.grad?.dtype, w.grad?.item()];
}

/** The products before and after the weight is changed. */
function around(use: (body: () => number) => number): unknown {
  const w = weight(1);
  const body = (): number => matmul(tensor([[1]]), w).item();
  const before = use(body);
  set(w, 2);
  return [before, use(body)];
}

function backwardDTypes(): unknown {
  const [x, w] = [matrix().requireGrad(), matrix().requireGrad()];
  const seen: DType[] = [];
  const [out, loss] = autocast(bf16, () => {
    const y = linear(x, w);
    y.registerHook((grad) => {
      seen.push(grad.dtype);
      return grad;
    });
    return [y, mseLoss(y, matrix())];
  });
  loss.backward();
  return [out.dtype, loss.dtype, ...seen, w.grad?.dtype, x.grad?.dtype];
}

function* states(): Generator<boolean> {
  yield isAutocastEnabled();
  yield isAutocastEnabled();
}

const cases: Readonly<Record<string, Case>> = {
  'cache.no_grad': { rule: 'A8.5, T-CA-04, T-CA-07', expected: [false, true, true], run: underNoGradFirst },
  'cache.inference_mode': { rule: 'T-CA-05', expected: [false, true, true], run: underNoGradFirst },
  'cache.shared_weight_grad.on': { rule: 'A8.6.4, T-X-02', expected: ['float32', 257], run: () => usedTwice(true) },
  'cache.shared_weight_grad.off': { rule: 'A8.4, T-CA-02', expected: ['float32', 257], run: () => usedTwice(false) },
  'cache.stale_after_inplace_update': {
    rule: 'A8.6.1, T-X-01',
    expected: [1, 2],
    run: () => autocast(bf16, () => around((body) => body())),
  },
  'cache.cleared_on_outermost_exit': {
    rule: 'A8.2',
    expected: [1, 2],
    run: () => around((body) => autocast(bf16, body)),
  },
  'cache.disabled_outer_region_keeps_cache': {
    rule: 'A8.6.3, T-X-01',
    expected: [1, 2],
    run: () => autocast({ enabled: false }, () => around((body) => autocast(bf16, body))),
  },
  'cache.key_ignores_dtype': {
    rule: 'A8.6.2, T-X-01',
    expected: ['bfloat16', 'float16'],
    run() {
      const w = matrix().requireGrad();
      const use = (): DType => matmul(matrix(), w).dtype;
      return autocast(bf16, () => [use(), autocast({ dtype: 'float16' }, use)]);
    },
  },
  'nesting.disabled_subregion': {
    rule: 'A7.8',
    expected: ['bfloat16', 'dtype-mismatch', 'float32', 'bfloat16', 'float32'],
    run: () => [
      ...autocast(bf16, () => {
        const y = matmul(matrix(), matrix());
        return [
          y.dtype,
          ...autocast({ enabled: false }, () => [
            outcome(() => matmul(y, matrix()).dtype),
            matmul(y.to('float32'), matrix()).dtype,
          ]),
          product(),
        ];
      }),
      product(),
    ],
  },
  'nesting.inner_dtype': {
    rule: 'A7.8',
    expected: ['float16', 'bfloat16'],
    run: () => autocast(bf16, () => [autocast({ dtype: 'float16' }, product), product()]),
  },
  'reentry.same_instance': {
    rule: 'A7.7, T-X-03',
    expected: [true, true, false],
    run() {
      const inside = autocast(bf16, () => [autocast(bf16, isAutocastEnabled), isAutocastEnabled()]);
      return [...inside, isAutocastEnabled()];
    },
  },
  'reentry.recursive_decorator': {
    rule: 'A7.7, T-X-03',
    expected: false,
    run() {
      const recurse = autocast.wrap(bf16, (depth: number): void => {
        if (depth > 0) recurse(depth - 1);
      });
      recurse(3);
      return isAutocastEnabled();
    },
  },
  'exit.exception': {
    rule: 'A7.6',
    expected: ['invalid-argument', false],
    run: () => [
      outcome(() =>
        autocast(bf16, () => {
          throw new TensorError('invalid-argument', 'inside');
        }),
      ),
      isAutocastEnabled(),
    ],
  },
  'async.leak_into_other_task': {
    rule: 'A7.14, T-X-03',
    expected: ['async-callback', true, false],
    async run() {
      let inTask: boolean | undefined;
      const task = outcome(() =>
        autocast(bf16, async () => {
          inTask = isAutocastEnabled();
          await Promise.resolve();
        }),
      );
      // The refused task is suspended now, and another one runs.
      return [task, inTask, await Promise.resolve().then(isAutocastEnabled)];
    },
  },
  'async.overlap_final_state': {
    rule: 'A7.14, T-X-03',
    expected: [true, true, false],
    async run() {
      const seen: boolean[] = [];
      const task = async (waits: number): Promise<void> => {
        for (let i = 0; i < waits; i++) await Promise.resolve();
        seen.push(autocast(bf16, isAutocastEnabled));
        await Promise.resolve();
      };
      await Promise.all([task(1), task(2)]);
      return [...seen, isAutocastEnabled()];
    },
  },
  'generator.leak_between_yields': {
    rule: 'A7.10, T-X-03',
    expected: [true, false, true, false],
    run() {
      const generator = autocast.wrap(bf16, states)();
      const first = generator.next().value;
      const suspended = isAutocastEnabled();
      const second = generator.next().value;
      generator.return(undefined);
      return [first, suspended, second, isAutocastEnabled()];
    },
  },
  'backward.dtypes': {
    rule: 'A9.1, A9.2, A9.4',
    expected: ['bfloat16', 'float32', 'bfloat16', 'float32', 'float32'],
    run: backwardDTypes,
  },
  // Tensors do not change in place, so of the six only these four exist (A6.1).
  eligibility: {
    rule: 'A1.1, A6.3, T-OP-10',
    expected: ['bfloat16', 'float64', 'float64', 'int32'],
    run: () =>
      autocast(bf16, () => [
        addmm(matrix(), matrix(), matrix()).dtype,
        softmax(matrix('bfloat16'), 1, { dtype: 'float64' }).dtype,
        product('float64'),
        product('int32'),
      ]),
  },
  'eligibility.f64_mixed': {
    rule: 'A1.1, T-OP-10',
    expected: 'dtype-mismatch',
    run: () => outcome(() => autocast(bf16, () => matmul(matrix('float64'), matrix()).dtype)),
  },
  'promote.other_16bit': {
    rule: 'A1.4',
    expected: 'dtype-mismatch',
    run: () => outcome(() => autocast(bf16, () => concat([matrix('float16'), matrix('float16')]).dtype)),
  },
  'ctor.dtype_float32': {
    rule: 'A7.5, T-RG-05',
    expected: ['invalid-argument', false],
    // @ts-expect-error A dtype of 32 bits is an error of types too, instead of a region that does nothing.
    run: () => [outcome(() => autocast({ dtype: 'float32' }, isAutocastEnabled)), isAutocastEnabled()],
  },
  'ctor.dtype_float64_disabled': {
    rule: 'A7.5, T-OP-13',
    expected: false,
    // @ts-expect-error As above; at run time a region that is off does not look.
    run: () => autocast({ dtype: 'float64', enabled: false }, isAutocastEnabled),
  },
  'call.non_callable': {
    rule: 'A7.10, T-RG-03',
    expected: 'invalid-argument',
    run: () => outcome(() => autocast.wrap(bf16, matrix() as never)),
  },
};

const noDevice = 'a region has a policy, not a device: there is none to name wrongly';
const elsewhere: Readonly<Record<string, string>> = {
  'thread.other': 'a worker loads modules of its own, and with them a state of its own',
  'ctor.bad_device_type': noDevice,
  'ctor.unknown_device': noDevice,
  'ctor.device_without_autocast': noDevice,
  'ctor.cuda_missing': noDevice,
  'custom.fwd_bwd': 'custom-function.test.ts',
  'custom.cast_inputs': 'custom-function.test.ts',
  'custom.undecorated': 'custom-function.test.ts',
  'scaler.scale_reaches_zero': 'the tests of the scaler',
  'scaler.unscale_overflows': 'the tests of the scaler',
};

describe('the corner cases of autocast', () => {
  test.each(Object.entries(cases).map(([name, { rule, expected, run }]) => [name, rule, expected, run] as const))(
    '%s (%s)',
    async (_name, _rule, expected, run) => expect(await run()).toEqual(expected),
  );
});

const file = 'golden/autocast_semantics.json';
describeShared('the list of corner cases', [file], () => {
  test('has every one that was measured, or says where it is (T-X-03)', () => {
    const measured = Object.keys(readJson<{ readonly cases: Readonly<Record<string, unknown>> }>(file).cases);
    expect([...Object.keys(cases), ...Object.keys(elsewhere)].sort()).toEqual(measured.sort());
  });
});
