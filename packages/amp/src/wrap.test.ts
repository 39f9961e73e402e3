import { cpu } from '@halfgrad/backend-cpu';
import { gelu, matmul, setDefaultDevice, type Tensor, zeros } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { autocastDType, clearAutocastCache, isAutocastCacheEnabled, isAutocastEnabled } from './region.ts';

setDefaultDevice(cpu);

const matrix = (): Tensor => zeros([2, 2]);

describe('a wrapped function (AMP.md A7.10)', () => {
  test('runs in a region at every call, with its arguments and its this', () => {
    const model = {
      scale: 2,
      forward: autocast.wrap({ dtype: 'bfloat16' }, function (this: { scale: number }, x: Tensor) {
        return [matmul(x, x).dtype, this.scale];
      }),
    };
    expect([model.forward(matrix()), model.forward(matrix()), isAutocastEnabled()]).toEqual([
      ['bfloat16', 2],
      ['bfloat16', 2],
      false,
    ]);
  });

  test('refuses what is async, which would leave the region at its first await (A7.14)', () => {
    const refusal = expect.objectContaining({ code: 'async-callback' });
    expect(() => autocast.wrap({}, async () => {})).toThrow(refusal as Error);
    expect(() =>
      autocast.wrap({}, async function* () {
        yield 1;
      }),
    ).toThrow(refusal as Error);
    const promising = autocast.wrap({}, () => Promise.resolve());
    expect(promising).toThrow(refusal as Error);
    expect(isAutocastEnabled()).toBe(false);
  });

  test('may be a generator: in the region at each step, whoever takes it, and also when it is told to throw (A7.14)', () => {
    const seen: unknown[] = [];
    const steps = autocast.wrap({ dtype: 'bfloat16' }, function* (): Generator<number, string> {
      try {
        seen.push(autocastDType(), yield 1);
        yield 2;
      } catch {
        seen.push(autocastDType());
      } finally {
        seen.push(autocastDType());
      }
      return 'done';
    });
    const generator = steps();
    generator.next();
    autocast({ dtype: 'float16' }, () => {
      generator.next('sent');
      seen.push(autocastDType());
    });
    const last = generator.throw(new Error());
    expect(seen).toEqual(['bfloat16', 'sent', 'float16', 'bfloat16', 'bfloat16']);
    expect(last).toEqual({ done: true, value: 'done' });
    expect([...steps()]).toEqual([1, 2]);
  });

  test('may take steps of two generators in turns (T-X-03)', () => {
    const dtypes = autocast.wrap({ dtype: 'bfloat16' }, function* () {
      while (true) yield autocastDType();
    });
    const others = autocast.wrap({ dtype: 'float16' }, function* () {
      while (true) yield autocastDType();
    });
    const [a, b] = [dtypes(), others()];
    expect([a, b, a, b].map((generator) => generator.next().value)).toEqual([
      'bfloat16',
      'float16',
      'bfloat16',
      'float16',
    ]);
  });
});

describe('what a region tells about itself (A7.11)', () => {
  test('is that of the innermost one', () => {
    const query = () => [isAutocastEnabled(), autocastDType(), isAutocastCacheEnabled()];
    expect(query()).toEqual([false, undefined, false]);
    autocast({ dtype: 'bfloat16' }, () => {
      expect(query()).toEqual([true, 'bfloat16', true]);
      autocast({ cacheEnabled: false }, () => expect(query()).toEqual([true, 'float16', false]));
      autocast({ enabled: false }, () => expect(query()).toEqual([false, undefined, false]));
    });
  });

  test('does not keep the options of the region around it (A7.8)', () => {
    const x = zeros([2], { dtype: 'float16' });
    const dtypes = autocast({ overrides: { gelu: 'float32' } }, () => [
      gelu(x).dtype,
      autocast({}, () => gelu(x).dtype),
    ]);
    expect(dtypes).toEqual(['float32', 'float16']);
  });

  test('can be told to forget its casts (A7.11)', () => {
    const w = matrix().requireGrad();
    const castOf = () => matmul(matrix(), w).slot.origin?.inputs[1];
    autocast({}, () => {
      const first = castOf();
      expect(castOf()).toBe(first);
      clearAutocastCache();
      expect(castOf()).not.toBe(first);
    });
  });
});
