import { encodeNumbers, halfCodecs, type UpdateKernels } from '@halfgrad/core';
import { castTo, type HostTensor, type Numbers, overwrite, read, readFloats } from './host-tensor.ts';

/** The in-place operations; arithmetic is float32 for 16-bit tensors and rounds once per tensor written. */
export const updates: UpdateKernels<HostTensor> = {
  assign({ target, source, foundInf, noise }) {
    if (isSet(foundInf)) return;
    target.block.data.set(noise ? roundedBy(noise, source) : castTo(source, target.dtype).block.data);
  },

  lerp({ target, source }, { weight }) {
    const values = readFloats(target, target.dtype).slice();
    const goal = readFloats(source, target.dtype);
    for (let i = 0; i < values.length; i++) values[i]! += weight * (goal[i]! - values[i]!);
    overwrite(target, values);
  },

  sgdStep({ param, grad, momentumBuffer, step, foundInf }, attrs) {
    if (isSet(foundInf)) return;
    const { lr, weightDecay, maximize, momentum, dampening, nesterov } = attrs;
    const p = readFloats(param, param.dtype).slice();
    const grads = readFloats(grad, param.dtype);
    const buffer = momentumBuffer && readFloats(momentumBuffer, param.dtype).slice();
    const isFirst = step !== undefined && read(step)[0] === 0;
    for (let i = 0; i < p.length; i++) {
      let g = maximize ? -grads[i]! : grads[i]!;
      // Without decay an infinite parameter stays so, as in PyTorch: 0 · ∞ would be NaN.
      if (weightDecay !== 0) g += weightDecay * p[i]!;
      if (buffer) {
        const moment = isFirst ? g : momentum * buffer[i]! + (1 - dampening) * g;
        buffer[i] = moment;
        g = nesterov ? g + momentum * moment : moment;
      }
      p[i]! -= lr * g;
    }
    overwrite(param, p);
    if (momentumBuffer && buffer) overwrite(momentumBuffer, buffer);
    if (step) setScalar(step, read(step)[0]! + 1);
  },

  adamStep({ param, grad, expAvg, expAvgSq, maxExpAvgSq, step, foundInf }, attrs) {
    if (isSet(foundInf)) return;
    const { lr, weightDecay, maximize, beta1, beta2, eps, decoupled } = attrs;
    const { dtype } = param;
    const p = readFloats(param, dtype).slice();
    const grads = readFloats(grad, dtype);
    const m = readFloats(expAvg, dtype).slice();
    const v = readFloats(expAvgSq, dtype).slice();
    const highest = maxExpAvgSq ? readFloats(maxExpAvgSq, dtype).slice() : v;
    const t = read(step)[0]! + 1;
    const stepSize = lr / (1 - beta1 ** t);
    const correction = Math.sqrt(1 - beta2 ** t);
    const shrink = decoupled ? 1 - lr * weightDecay : 1;
    const decay = decoupled ? 0 : weightDecay;
    for (let i = 0; i < p.length; i++) {
      let g = maximize ? -grads[i]! : grads[i]!;
      if (decay !== 0) g += decay * p[i]!;
      m[i]! += (1 - beta1) * (g - m[i]!);
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      highest[i] = Math.max(highest[i]!, v[i]!);
      p[i] = p[i]! * shrink - (stepSize * m[i]!) / (Math.sqrt(highest[i]!) / correction + eps);
    }
    overwrite(param, p);
    overwrite(expAvg, m);
    overwrite(expAvgSq, v);
    if (maxExpAvgSq) overwrite(maxExpAvgSq, highest);
    setScalar(step, read(step)[0]! + 1);
  },

  unscaleAndCheck({ grads, scale, foundInf }) {
    const inverse = Math.fround(1 / read(scale)[0]!);
    let found = false;
    for (const grad of grads) {
      found ||= hasNonFinite(read(grad));
      if (inverse === 1) continue;
      const values = readFloats(grad, grad.dtype).slice();
      for (let i = 0; i < values.length; i++) values[i]! *= inverse;
      overwrite(grad, values);
      found ||= hasNonFinite(read(grad));
    }
    if (found) setScalar(foundInf, 1);
  },

  updateScale({ scale, growthTracker, skipTracker, foundInf }, attrs) {
    const current = read(scale)[0]!;
    const skips = read(skipTracker)[0]! + 1;
    if (isSet(foundInf)) {
      if (skips >= attrs.hysteresis)
        setScalar(scale, Math.max(Math.fround(current * attrs.backoffFactor), attrs.minScale));
      setScalar(growthTracker, -attrs.uncountedSteps);
      setScalar(skipTracker, skips);
      return;
    }
    const steps = read(growthTracker)[0]! + 1;
    const grows = steps >= attrs.growthInterval;
    const grown = Math.fround(current * attrs.growthFactor);
    if (grows && Number.isFinite(grown)) setScalar(scale, Math.min(grown, attrs.maxScale));
    setScalar(growthTracker, grows ? 0 : steps);
    if (grows || attrs.consecutiveHysteresis) setScalar(skipTracker, 0);
  },
};

/** The bfloat16 bits of float32 elements, rounded stochastically: a carry out of the 16 lower bits is a step from zero. */
function roundedBy(noise: HostTensor, source: HostTensor): Uint16Array {
  const floats = Float32Array.from(readFloats(source, 'float32'));
  const chances = readFloats(noise, 'float32');
  const words = new Uint32Array(floats.buffer);
  return Uint16Array.from(words, (word, i) => {
    if (Number.isNaN(floats[i])) return halfCodecs.bfloat16.bitsOf(Number.NaN);
    return (word + 0xffff - Math.floor(chances[i]! * 0x1_0000)) >>> 16;
  });
}

/** Whether a found-inf flag is up: anything but zero, NaN included. */
function isSet(foundInf: HostTensor | undefined): boolean {
  return foundInf !== undefined && read(foundInf)[0] !== 0;
}

function setScalar(x: HostTensor, value: number): void {
  x.block.data.set(encodeNumbers([value], x.dtype));
}

function hasNonFinite(values: Numbers): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return true;
  return false;
}
