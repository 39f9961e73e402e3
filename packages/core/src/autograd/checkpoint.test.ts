import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  checkpoint,
  dropout,
  gelu,
  layerNorm,
  linear,
  manualSeed,
  mul,
  randn,
  savedBytes,
  setDefaultDevice,
  sum,
  type Tensor,
  tanh,
  tensor,
  update,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

interface Block {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
}

function createBlock(seed: number): Block {
  manualSeed(seed);
  return {
    x: randn([4, 8]).requireGrad(),
    weight: randn([8, 8]).requireGrad(),
    bias: randn([8]).requireGrad(),
  };
}

/** A layer with something random in it. */
function layer({ weight, bias }: Block, x: Tensor): Tensor {
  return dropout(gelu(layerNorm(linear(x, weight, bias), [8])), 0.3);
}

function gradients({ x, weight, bias }: Block): unknown[] {
  return [x, weight, bias].map(({ grad }) => Array.from(grad?.dataSync() ?? []));
}

/** Gradients of three layers, and the bytes kept for them. */
function train(seed: number, run: (body: () => Tensor) => Tensor): { gradients: unknown[]; bytes: number } {
  const block = createBlock(seed);
  let hidden = block.x;
  for (let i = 0; i < 3; i++) {
    const input = hidden;
    hidden = run(() => layer(block, input));
  }
  const loss = sum(mul(hidden, hidden));
  const bytes = Object.values(savedBytes([loss])).reduce((a, b) => a + b, 0);
  loss.backward();
  return { gradients: gradients(block), bytes };
}

describe('checkpoint', () => {
  test('gives the same gradients bit for bit, dropout included', () => {
    fc.assert(
      fc.property(fc.nat(1000), (seed) => {
        const plain = train(seed, (body) => body());
        expect(train(seed, checkpoint).gradients).toEqual(plain.gradients);
      }),
      { numRuns: 10 },
    );
  });

  test('keeps fewer bytes until backward', () => {
    const plain = train(1, (body) => body());
    expect(train(1, checkpoint).bytes).toBeLessThan(plain.bytes / 4);
  });

  test('nests', () => {
    const plain = train(2, (body) => body());
    const nested = train(2, (body) => checkpoint(() => checkpoint(body)));
    expect(nested.gradients).toEqual(plain.gradients);
  });

  test('leaves the stream of random numbers where it was', () => {
    const block = createBlock(3);
    const loss = sum(checkpoint(() => layer(block, block.x)));
    const before = randn([1]).item();
    loss.backward();
    const after = randn([1]).item();
    createBlock(3);
    dropout(block.x, 0.3);
    expect([randn([1]).item(), randn([1]).item()]).toEqual([before, after]);
  });

  test('runs the body twice, and only then', () => {
    let runs = 0;
    const x = tensor([1, 2], { requiresGrad: true });
    const y = checkpoint(() => {
      runs++;
      return tanh(mul(x, x));
    });
    expect(runs).toBe(1);
    sum(y).backward();
    expect(runs).toBe(2);
  });

  test('notices a parameter that changed before backward', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const loss = sum(checkpoint(() => mul(x, x)));
    update('assign', { target: x, source: tensor([3, 4]) });
    expect(() => loss.backward()).toThrow('changed in place');
  });

  test('notices a body that does something else the second time', () => {
    let first = true;
    const x = tensor([1, 2], { requiresGrad: true });
    const y = checkpoint(() => {
      const result = first ? mul(x, x) : tanh(tanh(x));
      first = false;
      return result;
    });
    expect(() => sum(y).backward()).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: checkpoint: the function recorded 1 ops, then 2]`,
    );
  });

  test('returns what needs no gradient as it is', () => {
    const x = tensor([1, 2]);
    expect(checkpoint(() => x)).toBe(x);
  });
});
