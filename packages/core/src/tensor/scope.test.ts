import { cpu, type HostTensor } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Block,
  type Device,
  decorate,
  exp,
  leaves,
  mul,
  ones,
  scope,
  setDefaultDevice,
  sum,
  type Tensor,
  tensor,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

/** The reference device, and the memory that it was asked for and not yet to free. */
function counting(): { device: Device; live: Set<Block> } {
  const live = new Set<Block>();
  const counted = decorate(cpu, 'counting', (kernel) => (inputs, attrs, out) => {
    const results = kernel(inputs, attrs, out);
    for (const { block } of leaves(results)) live.add(block);
    return results;
  });
  const device: Device<HostTensor> = {
    ...counted,
    upload(data, spec) {
      const storage = counted.upload(data, spec);
      live.add(storage.block);
      return storage;
    },
    free(storage) {
      live.delete(storage.block);
      counted.free(storage);
    },
  };
  return { device, live };
}

describe('a scope', () => {
  test('disposes of everything made in it, except what it returns', () => {
    let inner: Tensor | undefined;
    const before = ones([2]);
    const result = scope(() => {
      inner = mul(before, 2);
      return mul(inner, 3);
    });
    expect(inner?.isDisposed).toBe(true);
    expect(before.isDisposed).toBe(false);
    expect(result.toArray()).toEqual([6, 6]);
  });

  test('finds what it returns in arrays, maps, sets and records', () => {
    const result = scope(() => {
      const x = ones([1]);
      return { list: [x.mul(2)], map: new Map([['k', x.mul(3)]]), set: new Set([x.mul(4)]), n: 5, nothing: undefined };
    });
    const values = [...result.list, ...result.map.values(), ...result.set].map((x) => x.item());
    expect(values).toEqual([2, 3, 4]);
  });

  test('lets kept tensors live', () => {
    let kept: Tensor | undefined;
    scope(() => {
      kept = ones([1]).keep();
    });
    expect(kept?.item()).toBe(1);
  });

  test('hands what an inner scope returns to the outer one', () => {
    let middle: Tensor | undefined;
    const result = scope(() => {
      middle = scope(() => ones([1]).mul(2));
      expect(middle.isDisposed).toBe(false);
      return middle.mul(5);
    });
    expect(middle?.isDisposed).toBe(true);
    expect(result.item()).toBe(10);
  });

  test('disposes of everything when its body throws, and passes the error on', () => {
    const made: Tensor[] = [];
    expect(() =>
      scope(() => {
        made.push(ones([1]), ones([2]));
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(made.map(({ isDisposed }) => isDisposed)).toEqual([true, true]);
    expect(scope(() => ones([1])).isDisposed).toBe(false);
  });

  test('returns a loss that can still run backward', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const loss = scope(() => sum(exp(mul(x, x))));
    loss.backward();
    expect(x.grad?.toArray()).toEqual([2 * Math.fround(Math.exp(1)), 4 * Math.fround(Math.exp(4))]);
  });

  test('around a training step leaves the gradients and nothing else', () => {
    const { device, live } = counting();
    const x = tensor([1, 2], { requiresGrad: true, device });
    for (let step = 0; step < 3; step++) {
      x.grad?.dispose();
      x.grad = undefined;
      scope(() => sum(exp(mul(x, x).mul(0.5))).backward());
      expect(live.size).toBe(2);
    }
  });

  test('releases graphs that nobody can reach any more, and keeps what a survivor needs', () => {
    const { device, live } = counting();
    const x = tensor([1, 2], { requiresGrad: true, device });
    scope(() => {
      mul(exp(x), exp(x));
    });
    expect(live.size).toBe(1);
    const y = scope(() => exp(exp(x)));
    // The derivatives of both exponentials read their results.
    expect(live.size).toBe(3);
    sum(y).backward();
    expect(x.grad?.size).toBe(2);
  });
});

describe('dispose', () => {
  test('frees memory once its last holder is gone', () => {
    const { device, live } = counting();
    const x = ones([2, 3], { device });
    const flat = x.reshape([6]);
    x.dispose();
    x.dispose();
    expect(live.size).toBe(1);
    flat.dispose();
    expect(live.size).toBe(0);
  });

  test('ends the life of a tensor declared with using', () => {
    let outer: Tensor;
    {
      using x = ones([2]);
      outer = x;
    }
    expect(outer.isDisposed).toBe(true);
  });

  test('forbids further use, and says what would have helped', () => {
    const x = ones([2, 3]);
    x.dispose();
    expect(() => x.mul(2)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: float32[2,3] was disposed of, by its scope, by zeroGrad or by hand. Return it from the scope or keep() it; clone() a gradient to hold it.]`,
    );
    expect(x.toString()).toMatchInlineSnapshot(`"tensor(…, shape=[2, 3])"`);
  });

  test('does not take from the graph what it needs', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = exp(x);
    const loss = sum(y);
    y.dispose();
    loss.backward();
    expect(x.grad?.toArray()).toEqual([Math.fround(Math.E), Math.fround(Math.exp(2))]);
  });
});
