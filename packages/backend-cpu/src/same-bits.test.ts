import {
  crossEntropy,
  type DType,
  dropout,
  Generator,
  gelu,
  type HostData,
  layerNorm,
  linear,
  randn,
  type Tensor,
  tensor,
  update,
} from '@halfgrad/core';
import { expect, test } from 'vitest';
import { cpu } from './index.ts';

/** Twenty steps of a small network whose matrix products are in `dtype`; the bits of its weights afterwards. */
function trainedBits(dtype: DType): HostData[] {
  const generator = new Generator(2026);
  const options = { device: cpu, generator, requiresGrad: true };
  const weights = [randn([32, 16], options), randn([32], options), randn([10, 32], options), randn([10], options)];
  const [w1, b1, w2, b2] = weights as [Tensor, Tensor, Tensor, Tensor];
  const x = randn([24, 16], { device: cpu, generator });
  const target = tensor(
    Array.from({ length: 24 }, (_, i) => i % 10),
    { device: cpu, dtype: 'int32' },
  );
  for (let step = 0; step < 20; step++) {
    const hidden = gelu(layerNorm(linear(x.to(dtype), w1.to(dtype), b1.to(dtype)), [32]));
    const logits = linear(dropout(hidden, 0.2, { generator }), w2.to(dtype), b2.to(dtype));
    crossEntropy(logits.to('float32'), target).backward();
    for (const param of weights) {
      update(
        'sgdStep',
        { param, grad: param.grad as Tensor, momentumBuffer: undefined, step: undefined, foundInf: undefined },
        { lr: 0.1, weightDecay: 1e-4, maximize: false, momentum: 0, dampening: 0, nesterov: false },
      );
      param.grad = undefined;
    }
  }
  return weights.map(({ storage }) => cpu.downloadSync?.(storage as never) as HostData);
}

/** FNV-1a over all bytes. */
function fingerprint(arrays: readonly HostData[]): string {
  let hash = 0x811c_9dc5;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

test.each([
  ['float32', 'cc1360aa'],
  ['float16', '2aca6490'],
  ['bfloat16', '0e6269a2'],
] as const)('the same seed gives the same bits wherever this runs: %s', (dtype, bits) => {
  expect(fingerprint(trainedBits(dtype))).toBe(bits);
});
