import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  add,
  concat,
  type Device,
  type DType,
  grad,
  ones,
  setDefaultDevice,
  type Tensor,
  tensor,
  update,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const other: Device = { ...cpu, name: 'other' } as Device;
const { downloadSync: _, ...asyncOnly }: Device = { ...cpu, name: 'far away' } as Device;

describe('reading', () => {
  test('gives numbers in the narrowest array that holds them', async () => {
    const read = async (dtype: DType): Promise<unknown> => (await ones([2], { dtype }).data()).constructor.name;
    expect(
      await Promise.all((['bool', 'uint8', 'int32', 'bfloat16', 'float32', 'float64'] as const).map(read)),
    ).toEqual(['Uint8Array', 'Uint8Array', 'Int32Array', 'Float32Array', 'Float32Array', 'Float64Array']);
    expect([...(await tensor([1.0004, 65520], { dtype: 'float16' }).data())]).toEqual([1, Number.POSITIVE_INFINITY]);
  });

  test('nests arrays, with booleans for bool', () => {
    expect(tensor([[1, 2, 3]]).toArray()).toEqual([[1, 2, 3]]);
    expect(tensor([1, 2]).greater(1).toArray()).toEqual([false, true]);
    expect(tensor(5).toArray()).toBe(5);
    expect(ones([2, 0]).toArray()).toEqual([[], []]);
  });

  test('refuses item() of several elements', () => {
    expect(() => ones([2, 2]).item()).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: item: needs exactly one element (x: float32[2,2]). Use data().]`,
    );
  });

  test('without waiting is refused where a device cannot', async () => {
    const x = ones([2], { device: asyncOnly });
    expect(() => x.dataSync()).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: far away can only be read asynchronously. Use await x.data().]`,
    );
    expect([...(await x.data())]).toEqual([1, 1]);
    expect(String(x)).toMatchInlineSnapshot(`"tensor(…, shape=[2])"`);
  });

  test('gives a copy, which later updates do not reach', () => {
    const x = tensor([1, 2]);
    const before = x.dataSync();
    update('assign', { target: x, source: tensor([3, 4]) });
    expect([...before]).toEqual([1, 2]);
  });
});

describe('to', () => {
  test('another dtype is differentiable; the same one is the same tensor', () => {
    const x = tensor([1.5, 2], { requiresGrad: true });
    expect(x.to('float32')).toBe(x);
    x.to('float16').mul(3).sum().backward();
    expect(x.grad?.dtype).toBe('float32');
    expect(x.grad?.toArray()).toEqual([3, 3]);
  });

  test('another device is differentiable too', () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const moved = x.to(other);
    expect(moved.device).toBe(other);
    const gradient = grad(moved.mul(3).sum(), x);
    expect([gradient.device.name, gradient.toArray()]).toEqual(['cpu', [3, 3]]);
  });

  test('a device waits in transfer where it has to', async () => {
    const x = ones([2], { device: asyncOnly });
    expect(() => x.to(cpu)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: far away can only be read asynchronously. Use await x.transfer(device).]`,
    );
    expect((await x.transfer(cpu)).toArray()).toEqual([1, 1]);
  });

  test('says which dtypes there are', () => {
    expect(() => tensor(1).to('float15' as DType)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: to: "float15" is not a dtype. Use one of bool, uint8, int32, float8_e4m3fn, float8_e5m2, float16, bfloat16, float32, float64.]`,
    );
  });
});

describe('devices', () => {
  test('do not mix', () => {
    const here = ones([2]);
    const there = ones([2], { device: other });
    expect(() => add(here, there)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: add: tensors live on cpu and other. Move one with .to(device).]`,
    );
    expect(() => concat([here, there])).toThrow('tensors live on cpu and other');
    expect(() => update('assign', { target: here, source: there })).toThrow('tensors live on cpu and other');
  });
});

describe('update', () => {
  test('raises the version of its targets only', () => {
    const [x, source] = [ones([2]), ones([2])];
    update('assign', { target: x, source });
    update('lerp', { target: x, source }, { weight: 0.5 });
    expect([x.version, x.detach().version, source.version]).toEqual([2, 2, 0]);
  });

  test('refuses the result of an op', () => {
    const y: Tensor = tensor([1, 2], { requiresGrad: true }).mul(2);
    expect(() => update('assign', { target: y, source: ones([2]) })).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: assign: float32[2] was computed by an op and cannot change in place. Use detach().]`,
    );
  });

  test('refuses a source of another shape', () => {
    expect(() => update('assign', { target: ones([3]), source: ones([2]) })).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: assign: shapes differ (target: float32[3], source: float32[2])]`,
    );
  });
});
