import {
  finfo,
  type ScaleUpdate,
  type StepAttrs,
  type UpdateAttrs,
  type UpdateInputs,
  type UpdateName,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { shapes } from './shape.ts';
import { type Domain, optional, positive, reals, type SampleTensor, tensorOf } from './tensor.ts';

/** Arguments of one update, and what they are afterwards; what is left out of `after` does not change. */
export interface UpdateSample<K extends UpdateName> {
  readonly inputs: UpdateInputs<K, SampleTensor>;
  readonly attrs: UpdateAttrs<K>;
  readonly after: Partial<UpdateInputs<K, SampleTensor>>;
}

const notFinite: Domain = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

const stepAttrs: { readonly [N in keyof StepAttrs]: Arbitrary<StepAttrs[N]> } = {
  lr: fc.constantFrom(0.125, 0.01),
  weightDecay: fc.constantFrom(0, 0.1),
  maximize: fc.boolean(),
};

/** Whether something was found that is not finite, if anybody looked; NaN counts as found. */
const flags: Arbitrary<SampleTensor | undefined> = optional(fc.constantFrom(0, 0, 1, Number.NaN).map(scalar));

/** Calls of every update, with the formulas of its documentation worked out element by element. */
export const updateSamples: { readonly [K in UpdateName]: Arbitrary<UpdateSample<K>> } = {
  assign: fc
    .tuple(alike({ target: reals, source: reals }), fc.constantFrom('float64' as const, 'int32' as const), flags)
    .map(([{ target, source }, dtype, foundInf]) => {
      const whole = dtype === 'int32' ? source.values.map(Math.trunc) : source.values;
      return {
        inputs: { target, source: { ...source, dtype, values: whole }, foundInf },
        attrs: undefined,
        after: unlessFound(foundInf, { target: { ...target, values: whole } }),
      };
    }),

  lerp: fc.tuple(alike({ target: reals, source: reals }), fc.constantFrom(0, 0.1, 1)).map(([inputs, weight]) => {
    const target = elementwise(inputs, (e) => e.target + weight * (e.source - e.target));
    return { inputs, attrs: { weight }, after: { target } };
  }),

  sgdStep: fc
    .record({
      tensors: alike({ param: reals, grad: reals, momentumBuffer: reals }),
      steps: optional(fc.nat(2)),
      foundInf: flags,
      attrs: fc.record({
        ...stepAttrs,
        momentum: fc.constantFrom(0.5, 0.9),
        dampening: fc.constantFrom(0, 0.25),
        nesterov: fc.boolean(),
      }),
    })
    .map(({ tensors, steps, foundInf, attrs }) => {
      const { lr, weightDecay, maximize, momentum, dampening, nesterov } = attrs;
      const gradient = (e: { param: number; grad: number }): number =>
        (maximize ? -e.grad : e.grad) + weightDecay * e.param;
      const { param, grad } = tensors;
      if (steps === undefined) {
        const stepped = elementwise({ param, grad }, (e) => e.param - lr * gradient(e));
        const inputs = { param, grad, momentumBuffer: undefined, step: undefined, foundInf };
        return { inputs, attrs, after: unlessFound(foundInf, { param: stepped }) };
      }
      const momentumBuffer = elementwise({ ...tensors, buffer: tensors.momentumBuffer }, (e) =>
        steps === 0 ? gradient(e) : momentum * e.buffer + (1 - dampening) * gradient(e),
      );
      const stepped = elementwise({ param, grad, buffer: momentumBuffer }, (e) => {
        const direction = nesterov ? gradient(e) + momentum * e.buffer : e.buffer;
        return e.param - lr * direction;
      });
      return {
        inputs: { ...tensors, step: scalar(steps), foundInf },
        attrs,
        after: unlessFound(foundInf, { param: stepped, momentumBuffer, step: scalar(steps + 1) }),
      };
    }),

  adamStep: fc
    .record({
      tensors: alike({ param: reals, grad: reals, expAvg: reals, expAvgSq: positive, maxExpAvgSq: positive }),
      amsgrad: fc.boolean(),
      steps: fc.nat(3),
      foundInf: flags,
      attrs: fc.record({
        ...stepAttrs,
        beta1: fc.constantFrom(0.5, 0.9),
        beta2: fc.constantFrom(0.9, 0.999),
        eps: fc.constantFrom(1e-8, 0.1),
        decoupled: fc.boolean(),
      }),
    })
    .map(({ tensors, amsgrad, steps, foundInf, attrs }) => {
      const { lr, weightDecay, maximize, beta1, beta2, eps, decoupled } = attrs;
      const t = steps + 1;
      const gradient = (e: { param: number; grad: number }): number =>
        (maximize ? -e.grad : e.grad) + (decoupled ? 0 : weightDecay * e.param);
      const expAvg = elementwise(tensors, (e) => beta1 * e.expAvg + (1 - beta1) * gradient(e));
      const expAvgSq = elementwise(tensors, (e) => beta2 * e.expAvgSq + (1 - beta2) * gradient(e) ** 2);
      const highest = elementwise({ before: tensors.maxExpAvgSq, now: expAvgSq }, (e) => Math.max(e.before, e.now));
      const seen = amsgrad ? highest : expAvgSq;
      const param = elementwise({ param: tensors.param, m: expAvg, v: seen }, (e) => {
        const decayed = decoupled ? e.param * (1 - lr * weightDecay) : e.param;
        const denominator = Math.sqrt(e.v) / Math.sqrt(1 - beta2 ** t) + eps;
        return decayed - ((lr / (1 - beta1 ** t)) * e.m) / denominator;
      });
      const maxExpAvgSq = amsgrad ? tensors.maxExpAvgSq : undefined;
      return {
        inputs: { ...tensors, maxExpAvgSq, step: scalar(steps), foundInf },
        attrs,
        after: unlessFound(foundInf, {
          param,
          expAvg,
          expAvgSq,
          maxExpAvgSq: maxExpAvgSq && highest,
          step: scalar(t),
        }),
      };
    }),

  unscaleAndCheck: fc
    .record({
      grads: fc.array(
        shapes().chain((shape) => tensorOf(shape, fc.oneof({ weight: 9, arbitrary: reals }, notFinite))),
        { maxLength: 3 },
      ),
      scale: fc.constantFrom(1, 3, 2 ** 16),
      found: fc.constantFrom(0, 1),
    })
    .map(({ grads, scale, found }) => {
      const inverse = Math.fround(1 / scale);
      const unscaled = grads.map((grad) => elementwise({ grad }, (e) => e.grad * inverse));
      const isFound = grads.some(({ values }) => !values.every(Number.isFinite));
      return {
        inputs: { grads, scale: scalar(scale), foundInf: scalar(found) },
        attrs: undefined,
        after: { grads: unscaled, foundInf: scalar(isFound ? 1 : found) },
      };
    }),

  updateScale: fc
    .record({
      scale: fc.constantFrom(1, 2 ** 16, 2 ** 127),
      tracker: fc.integer({ min: -1, max: 3 }),
      skips: fc.nat(3),
      foundInf: fc.constantFrom(0, 0, 1, 2),
      attrs: fc.record<ScaleUpdate>({
        growthFactor: fc.constantFrom(1, 2, 1.5),
        backoffFactor: fc.constantFrom(0.5, 0.25),
        growthInterval: fc.integer({ min: 1, max: 4 }),
        hysteresis: fc.integer({ min: 1, max: 3 }),
        consecutiveHysteresis: fc.boolean(),
        uncountedSteps: fc.nat(1),
        minScale: fc.constantFrom(0, 1),
        maxScale: fc.constantFrom(2 ** 16, Number.POSITIVE_INFINITY),
      }),
    })
    .map(({ foundInf, attrs, ...before }) => ({
      inputs: { ...scaleState(before), foundInf: scalar(foundInf) },
      attrs,
      after: scaleState(foundInf > 0 ? afterSkip(before, attrs) : afterGoodStep(before, attrs)),
    })),
};

/** A step that was told of something not finite changes nothing (AMP.md B4.6). */
function unlessFound<A>(foundInf: SampleTensor | undefined, after: A): A | Record<string, never> {
  return foundInf === undefined || foundInf.values[0] === 0 ? after : {};
}

interface ScaleState {
  readonly scale: number;
  readonly tracker: number;
  readonly skips: number;
}

function scaleState({
  scale,
  tracker,
  skips,
}: ScaleState): Record<'scale' | 'growthTracker' | 'skipTracker', SampleTensor> {
  const counter = (value: number): SampleTensor => ({ ...scalar(value), dtype: 'int32' });
  return { scale: scalar(scale), growthTracker: counter(tracker), skipTracker: counter(skips) };
}

/** Backoff once the budget of skipped steps is spent (AMP.md B5.3, B9.1, B9.2). */
function afterSkip({ scale, skips }: ScaleState, attrs: ScaleUpdate): ScaleState {
  const lowered = skips + 1 >= attrs.hysteresis ? Math.max(scale * attrs.backoffFactor, attrs.minScale) : scale;
  return { scale: lowered, tracker: 0 - attrs.uncountedSteps, skips: skips + 1 };
}

/** Growth after `growthInterval` clean steps in a row, unless it would not be finite (AMP.md B5.3–B5.5). */
function afterGoodStep({ scale, tracker, skips }: ScaleState, attrs: ScaleUpdate): ScaleState {
  const left = attrs.consecutiveHysteresis ? 0 : skips;
  if (tracker + 1 < attrs.growthInterval) return { scale, tracker: tracker + 1, skips: left };
  const grown = scale * attrs.growthFactor;
  return { scale: grown <= finfo('float32').max ? Math.min(grown, attrs.maxScale) : scale, tracker: 0, skips: 0 };
}

function scalar(value: number): SampleTensor {
  return { shape: [], dtype: 'float32', values: [value] };
}

/** Tensors of one shape. */
function alike<N extends string>(domains: { readonly [M in N]: Domain }): Arbitrary<{ [M in N]: SampleTensor }> {
  return shapes().chain((shape) => {
    const names = Object.keys(domains) as N[];
    const tensors = names.map((name) => tensorOf(shape, domains[name]));
    return fc
      .tuple(...tensors)
      .map((made) => Object.fromEntries(names.map((name, i) => [name, made[i]])) as { [M in N]: SampleTensor });
  });
}

/** A formula for one element, applied to all. */
function elementwise<N extends string>(
  tensors: { readonly [M in N]: SampleTensor },
  formula: (elements: { readonly [M in N]: number }) => number,
): SampleTensor {
  const names = Object.keys(tensors) as N[];
  const [first] = Object.values<SampleTensor>(tensors) as [SampleTensor];
  const values = first.values.map((_, i) => {
    const elements = names.map((name) => [name, tensors[name].values[i]]);
    return formula(Object.fromEntries(elements) as { readonly [M in N]: number });
  });
  return { ...first, values };
}
