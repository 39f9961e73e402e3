import type { UpdateKernels } from '@halfgrad/core';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import { type Change, changeInPlace } from './in-place.ts';

type Steps = Pick<UpdateKernels<GpuTensor>, 'sgdStep' | 'adamStep'>;

export function optimizerSteps(runtime: Runtime): Steps {
  return {
    sgdStep({ param, grad, momentumBuffer, step, foundInf }, attrs) {
      const { lr, weightDecay, maximize, momentum, dampening, nesterov } = attrs;
      const functions = `${gradient}
float moment(float buffer, float g, float t) {
  return t == 0.0 ? g : user_momentum * buffer + user_fresh * g;
}
float direction(float buffer, float g, float t) {
  float m = moment(buffer, g, t);
  return user_nesterov == 0.0 ? m : g + user_momentum * m;
}`;
      const change = changesOf('sgd', foundInf, {
        reads: { p: param, grad, buffer: momentumBuffer, t: step },
        uniforms: {
          lr,
          weightDecay,
          direction: maximize ? -1 : 1,
          momentum,
          fresh: 1 - dampening,
          nesterov: Number(nesterov),
        },
        functions,
      });
      const g = 'gradient(grad, p)';
      const t = step ? 't' : '1.0';
      const direction = momentumBuffer ? `direction(buffer, ${g}, ${t})` : g;
      changeInPlace(runtime, [
        change('param', param, `p - user_lr * ${direction}`, 'p'),
        ...(momentumBuffer ? [change('buffer', momentumBuffer, `moment(buffer, ${g}, ${t})`, 'buffer')] : []),
        ...(step ? [count(step, foundInf)] : []),
      ]);
    },

    adamStep({ param, grad, expAvg, expAvgSq, maxExpAvgSq, step, foundInf }, attrs) {
      const { lr, weightDecay, maximize, beta1, beta2, eps, decoupled } = attrs;
      // 1 − βᵗ = −(e^(t · log β) − 1), which keeps its precision for β near 1.
      const functions = `${gradient}
float first(float m, float g) { return m + user_fresh1 * (g - m); }
float second(float v, float g) { return user_beta2 * v + user_fresh2 * g * g; }
float stepped(float p, float m, float v, float t) {
  float stepSize = user_lr / -expm1_(t * user_logBeta1);
  float correction = sqrt(-expm1_(t * user_logBeta2));
  return p * user_shrink - stepSize * m / (sqrt(v) / correction + user_eps);
}`;
      const change = changesOf('adam', foundInf, {
        reads: { p: param, grad, m: expAvg, v: expAvgSq, highest: maxExpAvgSq, t: step },
        uniforms: {
          lr,
          weightDecay: decoupled ? 0 : weightDecay,
          direction: maximize ? -1 : 1,
          eps,
          beta2,
          fresh1: 1 - beta1,
          fresh2: 1 - beta2,
          logBeta1: Math.log(beta1),
          logBeta2: Math.log(beta2),
          shrink: decoupled ? 1 - lr * weightDecay : 1,
        },
        functions,
      });
      const g = 'gradient(grad, p)';
      const largest = maxExpAvgSq ? `max_(highest, second(v, ${g}))` : `second(v, ${g})`;
      changeInPlace(runtime, [
        change('param', param, `stepped(p, first(m, ${g}), ${largest}, t + 1.0)`, 'p'),
        change('first', expAvg, `first(m, ${g})`, 'm'),
        change('second', expAvgSq, `second(v, ${g})`, 'v'),
        ...(maxExpAvgSq ? [change('highest', maxExpAvgSq, largest, 'highest')] : []),
        count(step, foundInf),
      ]);
    },
  };
}

/** The gradient as the step sees it. Without decay an infinite parameter stays so: 0 · ∞ would be NaN. */
const gradient = `float gradient(float g, float p) {
  return user_direction * g + (user_weightDecay == 0.0 ? 0.0 : user_weightDecay * p);
}`;

/** Changes that leave the old value, `kept`, where `foundInf` is given and not zero. */
function changesOf(
  step: string,
  foundInf: GpuTensor | undefined,
  shared: Pick<Change, 'reads' | 'uniforms' | 'functions'>,
): (name: string, target: GpuTensor, formula: string, kept: string) => Change {
  return (name, target, formula, kept) => ({
    ...shared,
    name: `${step} ${name}`,
    target,
    reads: { ...shared.reads, foundInf },
    formula: foundInf ? `isZero(foundInf) ? ${formula} : ${kept}` : formula,
  });
}

function count(step: GpuTensor, foundInf: GpuTensor | undefined): Change {
  return changesOf('count', foundInf, { reads: { t: step } })('steps', step, 't + 1.0', 't');
}
