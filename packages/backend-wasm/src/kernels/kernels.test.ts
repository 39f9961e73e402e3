import { cpu } from '@halfgrad/backend-cpu';
import {
  type AnyKernel,
  type Args,
  type Device,
  type DType,
  decodeValues,
  encodeNumbers,
  finfo,
  type HostData,
  infer,
  mapLeaves,
  type OpName,
  type Storage,
  sizeOf,
  type TensorSpec,
  type Tree,
  type UpdateAttrs,
  type UpdateInputs,
  type UpdateName,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createWasmDevice } from '../index.ts';

const wasm = createWasmDevice();

/** A tensor that does not live on a device yet. */
interface Sample extends TensorSpec {
  readonly data: HostData;
}

const kernelDTypes: Arbitrary<DType> = fc.constantFrom('float32', 'float16', 'bfloat16');

/** Around the borders of groups, lanes and summation blocks. */
const sizes = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 127, 128, 129, 300);
const shapes: Arbitrary<number[]> = fc.array(sizes, { maxLength: 3 }).filter((shape) => sizeOf(shape) <= 20_000);

const specials = [
  0,
  -0,
  1e-45,
  -3e-41,
  6e-8,
  65_504,
  3e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

/** Values of a thousandth to a thousand and both signs, with now and then one that is special. */
function sampleOf(shape: readonly number[], dtype: DType, range: 'moderate' | 'any' = 'moderate'): Arbitrary<Sample> {
  return fc.integer().map((seed) => {
    let state = seed | 1;
    const next = (): number => {
      state = Math.imul(state, 1_664_525) + 1_013_904_223;
      return (state >>> 8) / 2 ** 24;
    };
    const values = Array.from({ length: sizeOf(shape) }, () => {
      if (range === 'any' && next() < 0.1) return specials[Math.floor(next() * specials.length)]!;
      return (next() < 0.5 ? -1 : 1) * 10 ** (6 * next() - 3);
    });
    return { shape, dtype, data: encodeNumbers(values, dtype) };
  });
}

/** What broadcasts to `shape`. */
function broadcastable(shape: readonly number[]): Arbitrary<number[]> {
  return fc
    .tuple(fc.nat(shape.length), fc.infiniteStream(fc.boolean()))
    .map(([dropped, collapsed]) => shape.map((size) => (collapsed.next().value && size > 1 ? 1 : size)).slice(dropped));
}

function run<K extends OpName>(device: Device, op: K, ...[inputs, attrs]: Args<K, Sample>): ArrayLike<number> {
  const rule = infer[op] as (inputs: unknown, attrs: unknown) => TensorSpec;
  const out = rule(inputs, attrs);
  const uploaded = mapLeaves(inputs as Tree<Sample>, (sample): Storage => device.upload(sample.data, sample));
  const result = (device.kernels[op] as unknown as AnyKernel<Storage>)(uploaded, attrs, out) as Storage;
  const data = device.downloadSync?.(result) as HostData;
  mapLeaves(uploaded, (storage) => device.free(storage) as never);
  device.free(result);
  return decodeValues(data, out.dtype) as ArrayLike<number>;
}

/** The same bits on both devices, every NaN alike, and none of it by falling back. */
function expectSameBits<K extends OpName>(op: K, ...args: Args<K, Sample>): void {
  const before = wasm.fallbacks.get(op);
  const [actual, expected] = [run(wasm, op, ...args), run(cpu, op, ...args)];
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`${op}: element ${i} is ${actual[i]}, not ${expected[i]}`);
  }
  expect(wasm.fallbacks.get(op)).toBe(before);
}

describe('elementwise kernels have the bits of the reference device', () => {
  test.each(['neg', 'abs', 'sqrt', 'reciprocal', 'relu'] as const)('%s', (op) => {
    const samples = fc.tuple(shapes, kernelDTypes).chain(([shape, dtype]) => sampleOf(shape, dtype, 'any'));
    fc.assert(fc.property(samples, (x) => expectSameBits(op, { x })));
  });

  test.each(['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const)('%s, broadcast and in mixed dtypes', (op) => {
    const samples = shapes.chain((shape) => {
      const operand = fc
        .tuple(fc.oneof(fc.constant(shape), broadcastable(shape)), kernelDTypes)
        .chain(([own, dtype]) => sampleOf(own, dtype, 'any'));
      return fc.record({ a: operand, b: operand });
    });
    fc.assert(fc.property(samples, (inputs) => expectSameBits(op, inputs)));
  });

  test('reluGrad', () => {
    const samples = fc
      .tuple(shapes, kernelDTypes, kernelDTypes)
      .chain(([shape, gradDType, dtype]) =>
        fc.record({ gradOut: sampleOf(shape, gradDType, 'any'), out: sampleOf(shape, dtype, 'any') }),
      );
    fc.assert(fc.property(samples, (inputs) => expectSameBits('reluGrad', inputs)));
  });

  test('a plain number beside a 16-bit tensor', () => {
    const samples = fc
      .tuple(shapes, fc.constantFrom<DType>('float16', 'bfloat16'))
      .chain(([shape, dtype]) => sampleOf(shape, dtype));
    fc.assert(
      fc.property(samples, fc.float({ noNaN: true, min: -10, max: 10 }), (a, x) => {
        const b = { shape: [], dtype: 'float32', isNumber: true, data: Float32Array.of(x) } as const;
        expectSameBits('mul', { a, b });
      }),
    );
  });
});

describe('reductions have the bits of the reference device', () => {
  /** A shape and dimensions to reduce that lie side by side. */
  const reductions = shapes.chain((shape) =>
    fc.tuple(fc.nat(shape.length), fc.nat(shape.length)).map(([p, q]) => ({
      shape,
      dims: shape.map((_, dim) => dim).slice(Math.min(p, q), Math.max(p, q)),
    })),
  );
  const samples = fc
    .tuple(reductions, kernelDTypes, fc.constantFrom<'moderate' | 'any'>('moderate', 'any'), fc.boolean())
    .chain(([{ shape, dims }, dtype, range, keepDim]) =>
      sampleOf(shape, dtype, range).map((x) => ({ x, attrs: { dims, keepDim } })),
    );

  test('sum', () => {
    fc.assert(
      fc.property(samples, fc.option(kernelDTypes, { nil: undefined }), ({ x, attrs }, dtype) =>
        expectSameBits('sum', { x }, { ...attrs, dtype }),
      ),
    );
  });

  test('mean', () => {
    fc.assert(fc.property(samples, ({ x, attrs }) => expectSameBits('mean', { x }, attrs)));
  });
});

describe('softmax and its relatives are as exact as their exponential', () => {
  const rows = fc
    .tuple(fc.array(sizes, { minLength: 1, maxLength: 2 }), kernelDTypes)
    .filter(([shape]) => sizeOf(shape) <= 20_000);
  const attrs = { dtype: undefined };

  /**
   * A few roundings: of numbers as large as `scale`, of the result y (and of x − max, an error of |ln y|·2^−24 of e^(x − max)),
   * and to the dtype.
   */
  function expectClose<K extends OpName>(op: K, scale: number, ...args: Args<K, Sample>): void {
    const before = wasm.fallbacks.get(op);
    const { dtype } = (infer[op] as (inputs: unknown, attrs: unknown) => TensorSpec)(args[0], args[1]);
    const { eps, smallestSubnormal } = finfo(dtype);
    const [actual, expected] = [run(wasm, op, ...args), run(cpu, op, ...args)];
    for (let i = 0; i < expected.length; i++) {
      const [x, y] = [actual[i] as number, expected[i] as number];
      const exponential = 2 ** -24 * (8 + Math.abs(Math.log(Math.abs(y) || 1)));
      const bound = 2 ** -22 * scale + (exponential + eps) * Math.abs(y) + smallestSubnormal;
      if (!(Object.is(x, y) || Math.abs(x - y) <= bound)) expect.fail(`${op}: element ${i} is ${x}, not ${y}`);
    }
    expect(wasm.fallbacks.get(op)).toBe(before);
  }

  test('softmax', () => {
    const samples = rows.chain(([shape, dtype]) => sampleOf(shape, dtype, 'moderate'));
    fc.assert(
      fc.property(samples, fc.option(kernelDTypes, { nil: undefined }), (x, dtype) =>
        expectClose('softmax', 0, { x }, { dim: x.shape.length - 1, dtype }),
      ),
    );
  });

  test('logSoftmax', () => {
    const samples = rows.chain(([shape, dtype]) => sampleOf(shape, dtype, 'moderate'));
    fc.assert(fc.property(samples, (x) => expectClose('logSoftmax', 8, { x }, { dim: x.shape.length - 1, ...attrs })));
  });

  test.each(['softmaxGrad', 'logSoftmaxGrad'] as const)('%s', (op) => {
    const samples = rows.chain(([shape, dtype]) =>
      fc.record({
        gradOut: sampleOf(shape, dtype, 'moderate'),
        out: sampleOf(shape, dtype).map((x) => ({
          ...x,
          data: encodeNumbers(
            Array.from(decodeValues(x.data, dtype) as ArrayLike<number>, (v) =>
              op === 'softmaxGrad' ? Math.abs(v) / 1000 : -Math.abs(v),
            ),
            dtype,
          ),
        })),
      }),
    );
    fc.assert(
      fc.property(samples, (inputs) => {
        const { shape } = inputs.out;
        expectClose(op, 1000 * (shape.at(-1) ?? 1), inputs, { dim: shape.length - 1 });
      }),
    );
  });

  test('special values go where the definition sends them', () => {
    const specialRows = Float32Array.of(0, 1, Number.NEGATIVE_INFINITY, 0, Number.NaN, 1, 1e30, 0, -1e30);
    const x = { shape: [3, 3], dtype: 'float32', data: specialRows } as const;
    const softmax = run(wasm, 'softmax', { x }, { dim: 1, dtype: undefined });
    expect(softmax[2]).toBe(0);
    expect(Array.from(softmax).slice(3)).toEqual([Number.NaN, Number.NaN, Number.NaN, 1, 0, 0]);
    const logarithm = run(wasm, 'logSoftmax', { x }, { dim: 1, dtype: undefined });
    expect(logarithm[2]).toBe(Number.NEGATIVE_INFINITY);
    expect(Array.from(logarithm).slice(6)).toEqual([0, -1e30, -2e30].map(Math.fround));
  });
});

describe('updates have the bits of the reference device', () => {
  /** Runs an update on both devices and compares all its tensors. */
  function expectSameUpdate<K extends UpdateName>(
    name: K,
    inputs: UpdateInputs<K, Sample>,
    attrs: UpdateAttrs<K>,
  ): void {
    const before = wasm.fallbacks.get(name);
    const after = [wasm, cpu].map((device: Device) => {
      const uploaded = mapLeaves(inputs as Tree<Sample>, (sample): Storage => device.upload(sample.data, sample));
      (device.updates[name] as (inputs: unknown, attrs: unknown) => void)(uploaded, attrs);
      const results: number[][] = [];
      mapLeaves(uploaded, (storage) => {
        results.push(Array.from(decodeValues(device.downloadSync!(storage), storage.dtype) as ArrayLike<number>));
        device.free(storage);
        return storage as never;
      });
      return results;
    });
    expect(after[0]).toEqual(after[1]);
    expect(wasm.fallbacks.get(name)).toBe(before);
  }

  const number = (x: number, dtype: DType = 'float32'): Sample => ({
    shape: [],
    dtype,
    data: encodeNumbers([x], dtype),
  });
  const vectors = (range: 'moderate' | 'any' = 'moderate') =>
    fc.tuple(fc.integer({ min: 1, max: 40 }), fc.infiniteStream(kernelDTypes)).map(([length, dtypes]) => {
      return () => sampleOf([length], dtypes.next().value, range);
    });
  const foundInf = fc.constantFrom(undefined, number(0), number(1));
  const stepAttrs = {
    lr: fc.constantFrom(0.1, 1e-3),
    weightDecay: fc.constantFrom(0, 0.01),
    maximize: fc.boolean(),
  };

  test('sgdStep', () => {
    const samples = vectors().chain((vector) =>
      fc.record({
        inputs: fc.record({
          param: vector(),
          grad: vector(),
          momentumBuffer: vector(),
          step: fc.constantFrom(number(0), number(3)),
          foundInf,
        }),
        attrs: fc.record({
          ...stepAttrs,
          momentum: fc.constant(0.9),
          dampening: fc.constantFrom(0, 0.1),
          nesterov: fc.boolean(),
        }),
        plain: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(samples, ({ inputs, attrs, plain }) => {
        const buffers = plain ? { momentumBuffer: undefined, step: undefined } : {};
        expectSameUpdate('sgdStep', { ...inputs, ...buffers }, attrs);
      }),
    );
  });

  test('adamStep', () => {
    const samples = vectors().chain((vector) => {
      const squares = vector().map((x) => ({
        ...x,
        data: encodeNumbers(Array.from(decodeValues(x.data, x.dtype) as ArrayLike<number>, Math.abs), x.dtype),
      }));
      return fc.record({
        inputs: fc.record({
          param: vector(),
          grad: vector(),
          expAvg: vector(),
          expAvgSq: squares,
          maxExpAvgSq: fc.option(squares, { nil: undefined }),
          step: fc.constantFrom(number(0), number(7, 'int32')),
          foundInf,
        }),
        attrs: fc.record({
          ...stepAttrs,
          beta1: fc.constant(0.9),
          beta2: fc.constantFrom(0.99, 0.999),
          eps: fc.constant(1e-8),
          decoupled: fc.boolean(),
        }),
      });
    });
    fc.assert(fc.property(samples, ({ inputs, attrs }) => expectSameUpdate('adamStep', inputs, attrs)));
  });

  test('steps without decay, which leave an infinite parameter infinite', () => {
    const [param, grad] = [number(Number.NEGATIVE_INFINITY), number(1)];
    const attrs = { lr: 0.1, weightDecay: 0, maximize: false };
    const plain = { momentumBuffer: undefined, step: undefined, foundInf: undefined };
    expectSameUpdate('sgdStep', { param, grad, ...plain }, { ...attrs, momentum: 0, dampening: 0, nesterov: false });
    const moments = { expAvg: number(0), expAvgSq: number(0), maxExpAvgSq: undefined, step: number(0) };
    expectSameUpdate(
      'adamStep',
      { param, grad, ...moments, foundInf: undefined },
      { ...attrs, beta1: 0.9, beta2: 0.999, eps: 1e-8, decoupled: false },
    );
  });

  test('unscaleAndCheck', () => {
    const samples = fc.record({
      grads: fc.array(
        fc
          .constantFrom<'moderate' | 'any'>('moderate', 'any')
          .chain(vectors)
          .chain((vector) => vector()),
        {
          maxLength: 3,
        },
      ),
      scale: fc.constantFrom(1, 3, 65_536, 2 ** -120).map((scale) => number(scale)),
      foundInf: fc.constantFrom(0, 1).map((flag) => number(flag)),
    });
    fc.assert(fc.property(samples, (inputs) => expectSameUpdate('unscaleAndCheck', inputs, undefined)));
  });

  test('lerp and assign', () => {
    const samples = vectors('any').chain((vector) => fc.record({ target: vector(), source: vector() }));
    fc.assert(
      fc.property(samples, fc.constantFrom(0.1, 1), (inputs, weight) => {
        expectSameUpdate('lerp', inputs, { weight });
        expectSameUpdate('assign', inputs, undefined);
      }),
    );
  });

  test('updateScale', () => {
    const attrs = {
      growthFactor: 2,
      backoffFactor: 0.5,
      growthInterval: 3,
      hysteresis: 2,
      consecutiveHysteresis: false,
      uncountedSteps: 1,
      minScale: 1,
      maxScale: 2 ** 20,
    };
    for (const scale of [1, 1024, 2 ** 20]) {
      for (const tracker of [0, 2]) {
        for (const flag of [0, 1]) {
          const [growthTracker, skipTracker] = [number(tracker, 'int32'), number(tracker, 'int32')];
          const inputs = { scale: number(scale), growthTracker, skipTracker, foundInf: number(flag) };
          expectSameUpdate('updateScale', inputs, attrs);
        }
      }
    }
  });
});
