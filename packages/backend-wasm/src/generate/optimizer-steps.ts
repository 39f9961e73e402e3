import type { Value } from '../encoder/code.ts';
import type { FunctionHandle, ModuleBuilder, Signature } from '../encoder/module-builder.ts';
import { f32x4, f64x2 } from '../encoder/simd.ts';
import { eachHalf } from './doubles.ts';
import type { KernelDType } from './formats.ts';
import { eachGroup, elementsAt, spreadAll } from './in-place.ts';

type Vector = Value<'v128'>;

export interface SgdVariant {
  readonly param: KernelDType;
  readonly grad: KernelDType;
  /** Without decay an infinite parameter stays so, as in PyTorch: 0 · ∞ would be NaN. */
  readonly decays: boolean;
  readonly momentum:
    | { readonly buffer: KernelDType; readonly isFirst: boolean; readonly nesterov: boolean }
    | undefined;
}

/**
 * `sgd(param, grad, buffer, count, sign, decay, lr, momentum, undampened)`
 *
 *   g = sign · grad + (decays ? decay · p : 0),  buffer = first ? g : momentum · buffer + undampened · g
 *   p −= lr · (nesterov ? g + momentum · buffer : buffer)
 */
export function defineSgd(module: ModuleBuilder, variant: SgdVariant): FunctionHandle<Signature> {
  const signature = {
    param: 'i32',
    grad: 'i32',
    buffer: 'i32',
    count: 'i32',
    sign: 'f64',
    decay: 'f64',
    lr: 'f64',
    momentum: 'f64',
    undampened: 'f64',
  } as const;
  return module.define('sgd', signature, (f, { param, grad, buffer, count, ...numbers }) => {
    const [p, g] = [elementsAt(f, param, variant.param), elementsAt(f, grad, variant.grad)];
    const [gradient, moment] = [f.local('v128'), f.local('v128')];
    const { spread, both } = spreadAll(f, numbers);
    const { sign, decay, lr, momentum, undampened } = both;
    const { momentum: kind, decays } = variant;
    const decayed = (signed: Vector, x: Vector): Vector => (decays ? f64x2.add(signed, f64x2.mul(decay, x)) : signed);
    if (!kind) {
      return [
        spread,
        eachGroup(count, [p, g], [p], (lanes) =>
          eachHalf(({ widen, narrow }) => {
            const total = decayed(f64x2.mul(sign, widen(lanes(g))), widen(lanes(p)));
            return narrow(lanes(p), f64x2.sub(widen(lanes(p)), f64x2.mul(lr, total)));
          }),
        ),
      ];
    }
    const m = elementsAt(f, buffer, kind.buffer);
    return [
      spread,
      eachGroup(count, [p, g, m], [p, m], (lanes) =>
        eachHalf(({ widen, narrow }) => {
          const mixed = f64x2.add(f64x2.mul(momentum, widen(lanes(m))), f64x2.mul(undampened, gradient));
          const ahead = f64x2.add(gradient, f64x2.mul(momentum, moment));
          return [
            gradient.set(decayed(f64x2.mul(sign, widen(lanes(g))), widen(lanes(p)))),
            moment.set(kind.isFirst ? gradient : mixed),
            narrow(lanes(m), moment),
            narrow(lanes(p), f64x2.sub(widen(lanes(p)), f64x2.mul(lr, kind.nesterov ? ahead : moment))),
          ];
        }),
      ),
    ];
  });
}

export interface AdamVariant {
  readonly param: KernelDType;
  readonly grad: KernelDType;
  readonly expAvg: KernelDType;
  readonly expAvgSq: KernelDType;
  readonly maxExpAvgSq: KernelDType | undefined;
  /** Whether the gradient takes part of the parameter, as without decoupled decay. */
  readonly decays: boolean;
}

/**
 * `adam(param, grad, expAvg, expAvgSq, maxExpAvgSq, count, sign, decay, keep, rate1, beta2, rate2, stepSize, correction, eps)`
 *
 *   g = sign · grad + (decays ? decay · p : 0),  m += rate1 · (g − m),  v = beta2 · v + rate2 · g²
 *   p = keep · p − stepSize · m / (√v̂ / correction + eps),  v̂ = v, or the largest so far
 */
export function defineAdam(module: ModuleBuilder, variant: AdamVariant): FunctionHandle<Signature> {
  const signature = {
    param: 'i32',
    grad: 'i32',
    expAvg: 'i32',
    expAvgSq: 'i32',
    maxExpAvgSq: 'i32',
    count: 'i32',
    sign: 'f64',
    decay: 'f64',
    keep: 'f64',
    rate1: 'f64',
    beta2: 'f64',
    rate2: 'f64',
    stepSize: 'f64',
    correction: 'f64',
    eps: 'f64',
  } as const;
  return module.define('adam', signature, (f, { param, grad, expAvg, expAvgSq, maxExpAvgSq, count, ...numbers }) => {
    const [p, g] = [elementsAt(f, param, variant.param), elementsAt(f, grad, variant.grad)];
    const [m, v] = [elementsAt(f, expAvg, variant.expAvg), elementsAt(f, expAvgSq, variant.expAvgSq)];
    const highest = variant.maxExpAvgSq && elementsAt(f, maxExpAvgSq, variant.maxExpAvgSq);
    const gradient = f.local('v128');
    const { spread, both } = spreadAll(f, numbers);
    const { sign, decay, keep, rate1, beta2, rate2, stepSize, correction, eps } = both;
    const targets = highest ? [p, m, v, highest] : [p, m, v];
    return [
      spread,
      eachGroup(count, [g, ...targets], targets, (lanes) => [
        eachHalf(({ widen, narrow }) => {
          const [x, ownM, ownV] = [widen(lanes(p)), widen(lanes(m)), widen(lanes(v))];
          const signed = f64x2.mul(sign, widen(lanes(g)));
          const square = f64x2.mul(f64x2.mul(rate2, gradient), gradient);
          return [
            gradient.set(variant.decays ? f64x2.add(signed, f64x2.mul(decay, x)) : signed),
            narrow(lanes(m), f64x2.add(ownM, f64x2.mul(rate1, f64x2.sub(gradient, ownM)))),
            narrow(lanes(v), f64x2.add(f64x2.mul(beta2, ownV), square)),
          ];
        }),
        highest ? lanes(highest).set(f32x4.max(lanes(highest), lanes(v))) : [],
        eachHalf(({ widen, narrow }) => {
          const root = f64x2.sqrt(widen(lanes(highest ?? v)));
          const denominator = f64x2.add(f64x2.div(root, correction), eps);
          const change = f64x2.div(f64x2.mul(stepSize, widen(lanes(m))), denominator);
          return narrow(lanes(p), f64x2.sub(f64x2.mul(widen(lanes(p)), keep), change));
        }),
      ]),
    ];
  });
}
