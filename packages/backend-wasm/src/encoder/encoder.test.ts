import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Local, Value } from './code.ts';
import { type Body, countDown, giveBack, ifElse, upTo } from './control.ts';
import type { FunctionBuilder } from './function-builder.ts';
import { signed, unsigned } from './leb128.ts';
import { ModuleBuilder } from './module-builder.ts';
import { f32, f64, i32, minS } from './scalar.ts';
import { f32x4, f64x2, i16x8, i32x4, v128 } from './simd.ts';
import { type Memory, type WasmFunction, webAssembly } from './webassembly.ts';

const api = webAssembly()!;
const memory: Memory = new api.Memory({ initial: 1, maximum: 1, shared: false });

/** A one-function module, compiled. */
function compile<P extends Readonly<Record<string, 'i32' | 'f32' | 'f64'>>>(
  parameters: P,
  build: (f: FunctionBuilder, args: { readonly [N in keyof P]: Local<P[N]> }) => Body,
  result?: 'i32' | 'f32' | 'f64',
): WasmFunction {
  const builder = new ModuleBuilder({ maximumPages: 1, shared: false });
  if (result) builder.defineValue('run', parameters, result, build);
  else builder.define('run', parameters, build);
  const bytes = builder.encode();
  expect(api.validate(bytes)).toBe(true);
  return new api.Instance(new api.Module(bytes), { env: { memory } }).exports['run']!;
}

const words = fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 }));

describe('LEB128', () => {
  test('has the encodings of the DWARF standard', () => {
    expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(signed(-123456)).toEqual([0xc0, 0xbb, 0x78]);
    expect([signed(63), signed(64), signed(-64), signed(-65)]).toEqual([[0x3f], [0xc0, 0], [0x40], [0xbf, 0x7f]]);
  });

  test('survives the engine: any constant comes back', () => {
    fc.assert(
      fc.property(words, (n) => {
        expect(compile({}, () => [giveBack(i32.add(n, 0))], 'i32')()).toBe(n);
      }),
    );
  });
});

/** What the instructions compute, in JavaScript. */
const scalars: readonly [
  string,
  (a: Local<'i32'>, b: Local<'i32'>) => Value<'i32'>,
  (a: number, b: number) => number,
][] = [
  ['add', i32.add, (a, b) => (a + b) | 0],
  ['sub', i32.sub, (a, b) => (a - b) | 0],
  ['mul', i32.mul, (a, b) => Math.imul(a, b)],
  ['and', i32.and, (a, b) => a & b],
  ['or', i32.or, (a, b) => a | b],
  ['shl', i32.shl, (a, b) => a << b],
  ['shrU', i32.shrU, (a, b) => (a >>> b) | 0],
  ['ltS', i32.ltS, (a, b) => Number(a < b)],
  ['ltU', i32.ltU, (a, b) => Number(a >>> 0 < b >>> 0)],
  ['gtS', i32.gtS, (a, b) => Number(a > b)],
  ['leS', i32.leS, (a, b) => Number(a <= b)],
  ['geS', i32.geS, (a, b) => Number(a >= b)],
  ['minS', minS, Math.min],
];

describe('scalar instructions', () => {
  test.each(scalars)('i32 %s', (_, instruction, model) => {
    const run = compile({ a: 'i32', b: 'i32' }, (_f, { a, b }) => [giveBack(instruction(a, b))], 'i32');
    fc.assert(fc.property(words, words, (a, b) => void expect(run(a, b)).toBe(model(a, b))));
  });

  test('divU and remU split a number', () => {
    const run = compile(
      { a: 'i32', b: 'i32' },
      (_f, { a, b }) => [giveBack(i32.add(i32.mul(i32.divU(a, b), b), i32.remU(a, b)))],
      'i32',
    );
    fc.assert(fc.property(words, fc.integer({ min: 1 }), (a, b) => void expect(run(a, b)).toBe(a)));
  });

  test('f32 and f64 round as Math.fround says', () => {
    const single = compile({ x: 'f32', y: 'f32' }, (_f, { x, y }) => [giveBack(f32.div(f32.mul(x, y), 3))], 'f32');
    const double = compile(
      { x: 'f32', y: 'f32' },
      (_f, { x, y }) => [giveBack(f32.demoteF64(f64.div(f64.mul(f64.promoteF32(x), f64.promoteF32(y)), 3)))],
      'f32',
    );
    const floats = fc.float({ noNaN: true, min: -1000, max: 1000 });
    fc.assert(
      fc.property(floats, floats, (x, y) => {
        expect(single(x, y)).toBe(Math.fround(Math.fround(x * y) / 3));
        expect(double(x, y)).toBe(Math.fround((x * y) / 3));
      }),
    );
  });
});

/** Runs a vector instruction on the 16 bytes at 0 and at 16; the result lands at 32. */
function onVectors(instruction: (a: Value<'v128'>, b: Value<'v128'>) => Value<'v128'>): () => void {
  return compile({}, () => [v128.store(0, instruction(v128.load(0), v128.load(0, 16)), 32)]);
}

const f32Lanes = [0, 1, 2, 3];

describe('vector instructions', () => {
  const max = (a: number, b: number): number => Math.max(a, b);
  const mask = (holds: boolean): number => new Float32Array(new Int32Array([holds ? -1 : 0]).buffer)[0]!;
  const models: readonly [
    string,
    (a: Value<'v128'>, b: Value<'v128'>) => Value<'v128'>,
    (a: number, b: number) => number,
  ][] = [
    ['add', f32x4.add, (a, b) => a + b],
    ['sub', f32x4.sub, (a, b) => a - b],
    ['mul', f32x4.mul, (a, b) => a * b],
    ['div', f32x4.div, (a, b) => a / b],
    ['min', f32x4.min, (a, b) => Math.min(a, b)],
    ['max', f32x4.max, max],
    ['pmin', f32x4.pmin, (a, b) => [a, b][Number(b < a)]!],
    ['pmax', f32x4.pmax, (a, b) => [a, b][Number(a < b)]!],
    ['lt', f32x4.lt, (a, b) => mask(a < b)],
    ['gt', f32x4.gt, (a, b) => mask(a > b)],
    ['le', f32x4.le, (a, b) => mask(a <= b)],
    ['ge', f32x4.ge, (a, b) => mask(a >= b)],
    ['eq', f32x4.eq, (a, b) => mask(a === b)],
    ['ne', f32x4.ne, (a, b) => mask(a !== b)],
    ['abs', (a) => f32x4.abs(a), (a) => Math.abs(a)],
    ['neg', (a) => f32x4.neg(a), (a) => -a],
    ['sqrt', (a) => f32x4.sqrt(a), (a) => Math.sqrt(a)],
  ];

  test.each(models)('f32x4 %s', (_, instruction, model) => {
    const run = onVectors(instruction);
    const lanes = new Float32Array(memory.buffer, 0, 12);
    fc.assert(
      fc.property(fc.array(fc.float(), { minLength: 8, maxLength: 8 }), (values) => {
        lanes.set(values);
        run();
        for (const i of f32Lanes) expect(lanes[8 + i]).toBe(Math.fround(model(lanes[i]!, lanes[4 + i]!)));
      }),
    );
  });

  const integers: readonly [
    string,
    (a: Value<'v128'>, b: Value<'v128'>) => Value<'v128'>,
    (a: number, b: number) => number,
  ][] = [
    ['add', i32x4.add, (a, b) => a + b],
    ['sub', i32x4.sub, (a, b) => a - b],
    ['maxS', i32x4.maxS, max],
    ['ltS', i32x4.ltS, (a, b) => (a < b ? -1 : 0)],
    ['gtS', i32x4.gtS, (a, b) => (a > b ? -1 : 0)],
    ['geS', i32x4.geS, (a, b) => (a >= b ? -1 : 0)],
    ['shl', (a) => i32x4.shl(a, 5), (a) => a << 5],
    ['shrS', (a) => i32x4.shrS(a, 5), (a) => a >> 5],
    ['shrU', (a) => i32x4.shrU(a, 5), (a) => a >>> 5],
    ['and', v128.and, (a, b) => a & b],
    ['andnot', v128.andnot, (a, b) => a & ~b],
    ['or', v128.or, (a, b) => a | b],
    ['xor', v128.xor, (a, b) => a ^ b],
    ['not', (a) => v128.not(a), (a) => ~a],
    [
      'bitselect',
      (a, b) => v128.bitselect(a, b, f32x4.eq(a, a)),
      (a, b) => {
        const isNaN = Number.isNaN(new Float32Array(new Int32Array([a]).buffer)[0]);
        return isNaN ? b : a;
      },
    ],
  ];

  test.each(integers)('i32x4 %s', (_, instruction, model) => {
    const run = onVectors(instruction);
    const lanes = new Int32Array(memory.buffer, 0, 12);
    fc.assert(
      fc.property(fc.array(words, { minLength: 8, maxLength: 8 }), (values) => {
        lanes.set(values);
        run();
        for (const i of f32Lanes) expect(lanes[8 + i]).toBe(model(lanes[i]!, lanes[4 + i]!) | 0);
      }),
    );
  });

  test('shuffles, narrowing and widening move lanes', () => {
    const shorts = new Int16Array(memory.buffer);
    const ints = new Int32Array(memory.buffer);
    ints.set([1, 2, 3, 4, 5, 6, 7, 70_000]);
    onVectors((a, b) => v128.shuffle32(a, b, [7, 0, 4, 3]))();
    expect([...ints.subarray(8, 12)]).toEqual([70_000, 1, 5, 4]);
    onVectors((a, b) => i16x8.narrowI32x4S(a, b))();
    expect([...shorts.subarray(16, 24)]).toEqual([1, 2, 3, 4, 5, 6, 7, 32_767]);
    onVectors((a, b) => v128.shuffle16(a, b, [0, 2, 4, 6, 8, 10, 12, 14]))();
    expect([...shorts.subarray(16, 24)]).toEqual([1, 2, 3, 4, 5, 6, 7, 70_000 - 65_536]);
    onVectors((a, b) => i16x8.minS(a, b))();
    expect(ints[8]).toBe(1);
    shorts.set([-1, 2, 3, 4]);
    onVectors(() => v128.load16x4U(0))();
    expect([...ints.subarray(8, 12)]).toEqual([65_535, 2, 3, 4]);
  });

  test('doubles are computed two at a time', () => {
    const floats = new Float32Array(memory.buffer);
    floats.set([2, 3, 4, 5, 7, 11, 0, 0]);
    onVectors((a, b) => {
      const [x, y] = [f64x2.promoteLowF32x4(a), f64x2.promoteLowF32x4(b)];
      return f32x4.demoteF64x2Zero(f64x2.sqrt(f64x2.div(f64x2.sub(f64x2.mul(x, y), x), f64x2.add(x, y))));
    })();
    const model = (a: number, b: number): number => Math.fround(Math.sqrt((a * b - a) / (a + b)));
    expect([...floats.subarray(8, 12)]).toEqual([model(2, 7), model(3, 11), 0, 0]);
  });

  test('relaxed multiply-add is exact where one rounding and two agree', () => {
    const floats = new Float32Array(memory.buffer);
    floats.set([1, 2, 3, 4, 5, 6, 7, 8]);
    onVectors((a, b) => f32x4.relaxedMadd(a, b, a))();
    expect([...floats.subarray(8, 12)]).toEqual([6, 14, 24, 36]);
  });

  test('a hoisted constant has the same 32 bits in every lane', () => {
    const run = compile({}, (f) => [
      v128.store(32, f32x4.add(f.f32x4(1.5), f.f32x4(-0.25))),
      v128.store(48, f.i32x4(-2)),
    ]);
    run();
    expect([...new Float32Array(memory.buffer, 32, 4)]).toEqual([1.25, 1.25, 1.25, 1.25]);
    expect([...new Int32Array(memory.buffer, 48, 4)]).toEqual([-2, -2, -2, -2]);
  });

  test('lanes are set and read', () => {
    const run = compile(
      { x: 'f32', y: 'f64', n: 'i32' },
      (_f, { x, y, n }) => {
        const sum = f32.add(f32x4.extractLane(f32x4.splat(x), 3), f32.demoteF64(f64x2.extractLane(f64x2.splat(y), 1)));
        return [
          i32.store(0, i32x4.extractLane(i32x4.splat(n), 2)),
          v128.store64Lane(8, i32x4.splat(n), 1),
          giveBack(f32.add(sum, f32.load(4))),
        ];
      },
      'f32',
    );
    new Float32Array(memory.buffer)[1] = 0.5;
    expect(run(1, 2, 9)).toBe(3.5);
    expect([...new Int32Array(memory.buffer, 0, 4)].filter((_, i) => i !== 1)).toEqual([9, 9, 9]);
  });

  test('anyTrue sees a single bit', () => {
    const run = compile({ n: 'i32' }, (_f, { n }) => [giveBack(v128.anyTrue(i32x4.splat(n)))], 'i32');
    expect([run(0), run(1), run(-0x8000_0000)]).toEqual([0, 1, 1]);
  });
});

describe('control flow', () => {
  test('upTo runs as often as a for loop', () => {
    const run = compile(
      { end: 'i32', step: 'i32' },
      (f, { end, step }) => {
        const [i, count] = [f.local('i32'), f.local('i32')];
        return [upTo(i, end, step, [count.set(i32.add(count, 1))]), giveBack(count)];
      },
      'i32',
    );
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 9 }), (end, step) => {
        expect(run(end, step)).toBe(Math.ceil(end / step));
      }),
    );
  });

  test('countDown, branches and calls combine', () => {
    const builder = new ModuleBuilder({ maximumPages: 1, shared: false });
    const put = builder.define('put', { at: 'i32', value: 'i32' }, (_f, { at, value }) => [i32.store16(at, value)]);
    builder.define('evens', { count: 'i32' }, (f, { count }) => {
      const at = f.local('i32');
      return [
        countDown(count, [
          ifElse(
            i32.and(count, 1),
            [put.call({ at: i32.shl(at, 1), value: 0 })],
            [put.call({ at: i32.shl(at, 1), value: count })],
          ),
          at.set(i32.add(at, 1)),
        ]),
      ];
    });
    const module = new api.Module(builder.encode());
    const { evens } = new api.Instance(module, { env: { memory } }).exports;
    evens!(5);
    expect([...new Uint16Array(memory.buffer, 0, 5)]).toEqual([0, 4, 0, 2, 0]);
  });

  test('a function can call itself and use the result', () => {
    const builder = new ModuleBuilder({ maximumPages: 1, shared: false });
    builder.defineValue('factorial', { n: 'i32' }, 'i32', (_f, { n }, self) => [
      ifElse(i32.leS(n, 1), [giveBack(i32.add(1, 0))]),
      giveBack(i32.mul(n, self.call({ n: i32.sub(n, 1) }))),
    ]);
    const { factorial } = new api.Instance(new api.Module(builder.encode()), { env: { memory } }).exports;
    expect([1, 5, 10].map((n) => factorial!(n))).toEqual([1, 120, 3_628_800]);
  });

  test('a module for shared memory imports shared memory only', () => {
    const builder = new ModuleBuilder({ maximumPages: 1, shared: true });
    builder.define('nothing', {}, () => []);
    const module = new api.Module(builder.encode());
    const shared = new api.Memory({ initial: 1, maximum: 1, shared: true });
    expect(() => new api.Instance(module, { env: { memory: shared } })).not.toThrow();
    expect(() => new api.Instance(module, { env: { memory } })).toThrow(/shared/);
  });
});
