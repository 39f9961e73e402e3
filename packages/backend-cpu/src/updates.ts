import type { UpdateKernels } from '@halfgrad/core';
import { castTo, type HostTensor, overwrite, read, readFloats } from './host-tensor.ts';

/** The in-place operations; arithmetic is float32 for 16-bit tensors and rounds once per tensor written. */
export const updates: UpdateKernels<HostTensor> = {
  assign({ target, source }) {
    target.block.data.set(castTo(source, target.dtype).block.data);
  },

  lerp({ target, source }, { weight }) {
    const [values, goal] = [readFloats(target, target.dtype), readFloats(source, target.dtype)];
    overwrite(
      target,
      values.map((x, i) => x + weight * (goal[i]! - x)),
    );
  },

  sgdStep({ param, grad, momentumBuffer, step, foundInf }, attrs) {
    if (isSet(foundInf)) return;
    const { lr, weightDecay, maximize, momentum, dampening, nesterov } = attrs;
    const [values, grads] = [readFloats(param, param.dtype), readFloats(grad, param.dtype)];
    const buffer = momentumBuffer && readFloats(momentumBuffer, param.dtype).slice();
    const isFirst = step !== undefined && read(step)[0] === 0;
    const updated = values.map((p, i) => {
      const g = (maximize ? -grads[i]! : grads[i]!) + decay(weightDecay, p);
      if (!buffer) return p - lr * g;
      const moment = isFirst ? g : momentum * buffer[i]! + (1 - dampening) * g;
      buffer[i] = moment;
      return p - lr * (nesterov ? g + momentum * moment : moment);
    });
    overwrite(param, updated);
    if (momentumBuffer && buffer) overwrite(momentumBuffer, buffer);
    if (step)
      overwrite(
        step,
        readFloats(step, step.dtype).map((t) => t + 1),
      );
  },

  adamStep({ param, grad, expAvg, expAvgSq, maxExpAvgSq, step, foundInf }, attrs) {
    if (isSet(foundInf)) return;
    const { lr, weightDecay, maximize, beta1, beta2, eps, decoupled } = attrs;
    const { dtype } = param;
    const t = read(step)[0]! + 1;
    const [values, grads] = [readFloats(param, dtype), readFloats(grad, dtype)];
    const [m, v] = [readFloats(expAvg, dtype).slice(), readFloats(expAvgSq, dtype).slice()];
    const highest = maxExpAvgSq && readFloats(maxExpAvgSq, dtype).slice();
    const stepSize = lr / (1 - beta1 ** t);
    const correction = Math.sqrt(1 - beta2 ** t);
    const updated = values.map((p, i) => {
      const decayed = decoupled ? p * (1 - lr * weightDecay) : p;
      const g = (maximize ? -grads[i]! : grads[i]!) + (decoupled ? 0 : decay(weightDecay, p));
      m[i]! += (1 - beta1) * (g - m[i]!);
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      if (highest) highest[i] = Math.max(highest[i]!, v[i]!);
      const denominator = Math.sqrt(highest ? highest[i]! : v[i]!) / correction + eps;
      return decayed - (stepSize * m[i]!) / denominator;
    });
    overwrite(param, updated);
    overwrite(expAvg, m);
    overwrite(expAvgSq, v);
    if (maxExpAvgSq && highest) overwrite(maxExpAvgSq, highest);
    step.block.data[0] = t;
  },

  unscaleAndCheck({ grads, scale, foundInf }) {
    const inverse = Math.fround(1 / read(scale)[0]!);
    let found = false;
    for (const grad of grads) {
      const values = readFloats(grad, grad.dtype);
      const unscaled = inverse === 1 ? values : values.map((g) => Math.fround(g) * inverse);
      found ||= !values.every(Number.isFinite);
      if (inverse !== 1) overwrite(grad, unscaled);
      found ||= !read(grad).every(Number.isFinite);
    }
    if (found) foundInf.block.data[0] = 1;
  },

  updateScale({ scale, growthTracker, foundInf }, attrs) {
    const { growthFactor, backoffFactor, growthInterval, minScale, maxScale } = attrs;
    const current = read(scale)[0]!;
    const write = (next: number, tracker: number): void => {
      scale.block.data[0] = next;
      growthTracker.block.data[0] = tracker;
    };
    if (isSet(foundInf)) return write(Math.max(Math.fround(current * backoffFactor), minScale), 0);
    const tracker = read(growthTracker)[0]! + 1;
    if (tracker < growthInterval) return write(current, tracker);
    const grown = Math.fround(current * growthFactor);
    write(Number.isFinite(grown) ? Math.min(grown, maxScale) : current, 0);
  },
};

/** Without decay a parameter that is infinite stays so, as in PyTorch: 0 · ∞ would be NaN. */
function decay(weightDecay: number, p: number): number {
  return weightDecay === 0 ? 0 : weightDecay * p;
}

/** Whether a found-inf flag is up: anything but zero, NaN included. */
function isSet(foundInf: HostTensor | undefined): boolean {
  return foundInf !== undefined && read(foundInf)[0] !== 0;
}
