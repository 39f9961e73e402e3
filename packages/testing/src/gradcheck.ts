import { fromHost, grad, showSpec, Tensor, TensorError, tensor, zerosLike } from '@halfgrad/core';

/** What is checked: tensors in, one or several float64 tensors out, the same every time. */
export type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

export interface GradcheckOptions {
  /** The largest error that passes, relative to the derivative or to 1, whichever is larger. */
  readonly tolerance?: number;
}

export interface GradcheckReport {
  /** How many partial derivatives were compared. */
  readonly compared: number;
  /** Relative to the derivative or to 1. */
  readonly largestError: number;
}

/** ∛ε: where the h² of truncation and the ε/h of rounding are equally small. */
const step = Math.cbrt(Number.EPSILON);

/** 1000 times their common size ε^⅔, for third derivatives of up to some thousands. */
const defaultTolerance = 1000 * step ** 2;

/**
 * Compares the gradients that backward computes with central differences, for every float64 input with `requiresGrad`
 * (`torch.autograd.gradcheck`).
 *
 *   ∂f/∂x ≈ (f(x + h) − f(x − h)) / 2h,  f = Σ wᵢ outᵢ with arbitrary weights
 *
 * @throws TensorError `wrong-gradient`, which lists where they differ.
 */
export async function gradcheck(
  fn: Differentiable,
  inputs: readonly Tensor[],
  { tolerance = defaultTolerance }: GradcheckOptions = {},
): Promise<GradcheckReport> {
  const variables = inputs.flatMap((input, i) => (input.requiresGrad ? [i] : []));
  if (variables.length === 0) {
    throw new TensorError('invalid-argument', 'gradcheck: no input requires a gradient. Use x.requireGrad().');
  }
  const analytic = await gradients(fn, inputs);
  const wrong: string[] = [];
  let compared = 0;
  let largestError = 0;
  for (const i of variables) {
    const numeric = await differences(fn, inputs, i);
    for (const [at, expected] of numeric.entries()) {
      const actual = analytic[i]?.[at] ?? 0;
      const error = Math.abs(actual - expected) / Math.max(1, Math.abs(actual), Math.abs(expected));
      compared++;
      if (Object.is(actual, expected)) continue;
      largestError = Math.max(largestError, error);
      if (error <= tolerance) continue;
      const place = position(at, (inputs[i] as Tensor).shape);
      wrong.push(
        `input ${i}, ${showSpec(inputs[i] as Tensor)}, at [${place}]: backward ${actual}, finite differences ${expected}`,
      );
    }
  }
  if (wrong.length > 0) throw wrongGradient(wrong, compared);
  return { compared, largestError };
}

/** `gradcheck` of the gradients themselves, by the inputs and by the gradients that come in (double backward). */
export async function gradgradcheck(
  fn: Differentiable,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<GradcheckReport> {
  const outputs = listOf(fn(...inputs));
  let next = 0;
  const gradOutputs = outputs.map((out) => weights(out, next).requireGrad());
  for (const out of outputs) next += out.size;
  const firstOrder: Differentiable = (...all) => {
    const variables = all
      .slice(0, inputs.length)
      .map((x, i) => ((inputs[i] as Tensor).requiresGrad && !x.requiresGrad ? x.detach().requireGrad() : x));
    const wanted = variables.filter(({ requiresGrad }) => requiresGrad);
    const found = grad(listOf(fn(...variables)), wanted, {
      gradOutputs: all.slice(inputs.length),
      createGraph: true,
      allowUnused: true,
    });
    return found.map((gradient, i) => gradient ?? zerosLike(wanted[i] as Tensor));
  };
  return gradcheck(firstOrder, [...inputs, ...gradOutputs], options);
}

/** ∂f/∂input by backward, as plain numbers; undefined for inputs that get none. */
async function gradients(fn: Differentiable, inputs: readonly Tensor[]): Promise<(ArrayLike<number> | undefined)[]> {
  const copies = inputs.map((input) => (input.requiresGrad ? input.detach().requireGrad() : input));
  const outputs = listOf(fn(...copies));
  for (const out of outputs) requireFloat64(out, 'output');
  let next = 0;
  const gradOutputs = outputs.map((out) => {
    next += out.size;
    return weights(out, next - out.size);
  });
  const variables = copies.filter(({ requiresGrad }) => requiresGrad);
  const found = grad(outputs, variables, { gradOutputs, allowUnused: true });
  const read = await Promise.all(found.map(async (gradient) => gradient?.data()));
  return copies.map((copy) => (copy.requiresGrad ? read[variables.indexOf(copy)] : undefined));
}

/** ∂f/∂input by central differences. */
async function differences(fn: Differentiable, inputs: readonly Tensor[], index: number): Promise<number[]> {
  const input = inputs[index] as Tensor;
  requireFloat64(input, 'input');
  const values = Float64Array.from(await input.data());
  const derivatives: number[] = [];
  for (const [at, x] of values.entries()) {
    const h = step * Math.max(1, Math.abs(x));
    const evaluate = async (moved: number): Promise<ArrayLike<number>[]> => {
      const changed = values.with(at, moved);
      const replaced = fromHost(changed, input.shape, { dtype: input.dtype, device: input.device });
      const outputs = listOf(fn(...inputs.map((other, i) => (i === index ? replaced : other.detach()))));
      return Promise.all(outputs.map((out) => out.data()));
    };
    const [above, below] = [await evaluate(x + h), await evaluate(x - h)];
    derivatives.push(weightedDifference(above, below) / (x + h - (x - h)));
  }
  return derivatives;
}

/** The weight of the i-th output element: 1, then no two alike, of both signs, none near 0 (a Weyl sequence). */
function weightOf(i: number): number {
  const goldenRatio = (1 + Math.sqrt(5)) / 2;
  const magnitude = 0.5 + ((i * goldenRatio + 0.5) % 1);
  return i % 2 === 0 ? magnitude : -magnitude;
}

function weights(out: Tensor, first: number): Tensor {
  const values = Float64Array.from({ length: out.size }, (_, i) => weightOf(first + i));
  return tensor(values, { shape: out.shape, dtype: 'float64', device: out.device });
}

function weightedDifference(above: readonly ArrayLike<number>[], below: readonly ArrayLike<number>[]): number {
  let sum = 0;
  let next = 0;
  above.forEach((list, output) => {
    for (let i = 0; i < list.length; i++) {
      sum += weightOf(next++) * ((list[i] as number) - (below[output]?.[i] as number));
    }
  });
  return sum;
}

function requireFloat64(x: Tensor, role: string): void {
  if (x.dtype === 'float64') return;
  throw new TensorError(
    'dtype-mismatch',
    `gradcheck: an ${role} is ${showSpec(x)}, but finite differences need float64. Use x.to('float64').`,
  );
}

function wrongGradient(wrong: readonly string[], compared: number): TensorError {
  const shown = wrong.slice(0, 5);
  const rest = wrong.length > shown.length ? [`and ${wrong.length - shown.length} more`] : [];
  return new TensorError(
    'wrong-gradient',
    `gradcheck: backward and finite differences disagree on ${wrong.length} of ${compared} derivatives of a weighted sum of the outputs:\n  ${[...shown, ...rest].join('\n  ')}`,
  );
}

function position(at: number, shape: readonly number[]): string {
  let rest = at;
  const indices = shape.toReversed().map((size) => {
    const index = rest % size;
    rest = Math.floor(rest / size);
    return index;
  });
  return indices.toReversed().join(', ');
}

function listOf(tensors: Tensor | readonly Tensor[]): readonly Tensor[] {
  return tensors instanceof Tensor ? [tensors] : tensors;
}
