import fc, { type Arbitrary } from 'fast-check';
import { Bench, PlainOptimizer } from './bench.ts';
import type { CreateScaler } from './scaler.ts';
import { demand, show, Violation } from './violation.ts';

/** Something that holds for every correct scaler, and what is usually wrong with one for which it does not. */
export interface ScalerProperty {
  readonly name: string;
  readonly explanation: string;
  property(create: CreateScaler): fc.IAsyncPropertyWithHooks<never>;
}

/** Powers of two: scaling by them is exact, so that any difference is the scaler's. */
const scales: Arbitrary<number> = fc
  .integer({ min: 0, max: 18 })
  .map((exponent) => 2 ** (exponent === 0 ? 1 : exponent));
const gradients: Arbitrary<number[]> = fc.array(
  fc.integer({ min: 0, max: 16 }).map((i) => (i + 1) / (i % 2 === 0 ? 1 : -1)),
  { minLength: 1, maxLength: 4 },
);
const overflows: Arbitrary<number> = fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
const intervals: Arbitrary<number> = fc.integer({ min: 1, max: 5 });

export const scalerProperties: readonly ScalerProperty[] = [
  define({
    name: 'scaling multiplies the loss by the scale',
    explanation: 'scale(loss) must be loss · S, with S the initial scale at first.',
    cases: { S: scales, loss: fc.integer({ min: 1, max: 64 }) },
    async check({ S, loss }, create) {
      const bench = await Bench.open(create, { initScale: S });
      demand(`S=${S}, loss=${loss}`, 'scaled loss', loss * S, await bench.scale(loss));
    },
  }),
  define({
    name: 'scale then unscale is exact for powers of two',
    explanation: 'unscale() must multiply by 1/S, once, in at least float32.',
    cases: { S: scales, grad: gradients },
    async check({ S, grad }, create) {
      const bench = await Bench.open(create, { initScale: S });
      const optimizer = new PlainOptimizer(grad.length);
      await bench.backward(optimizer, grad);
      await bench.unscale(optimizer);
      demand(`S=${S}, grad=${show(grad)}`, 'after unscale', grad, optimizer.gradients);
    },
  }),
  define({
    name: 'a step does not depend on S',
    explanation: 'step() must divide the gradients by the same scale that scale() multiplied by.',
    cases: { S: scales, grad: gradients },
    async check({ S, grad }, create) {
      const bench = await Bench.open(create, { initScale: S });
      const optimizer = new PlainOptimizer(grad.length);
      await bench.iterate(optimizer, grad);
      demand(`S=${S}, grad=${show(grad)}`, 'weights after a step', stepped(grad).weights, optimizer.weights);
      demand(`S=${S}, grad=${show(grad)}`, 'steps taken', 1, optimizer.steps);
    },
  }),
  define({
    name: 'manual unscale is not repeated by step',
    explanation: 'step() divided by the scale a second time. Track which optimizers are already unscaled.',
    cases: { S: scales, grad: gradients, maxNorm: fc.constantFrom(100, 1) },
    async check({ S, grad, maxNorm }, create) {
      const bench = await Bench.open(create, { initScale: S });
      const optimizer = new PlainOptimizer(grad.length);
      await bench.backward(optimizer, grad);
      await bench.unscale(optimizer);
      optimizer.clip(maxNorm);
      await bench.step(optimizer);
      const control = stepped(grad, maxNorm);
      const given = `S=${S}, grad=${show(grad)}`;
      demand(given, `gradient after unscale+clip(${maxNorm})+step`, control.gradients, optimizer.gradients);
      demand(given, `weights after unscale+clip(${maxNorm})+step`, control.weights, optimizer.weights);
    },
  }),
  define({
    name: 'a second unscale is refused, or does nothing',
    explanation:
      'unscale() ran twice between two updates and divided twice. Remember it for each optimizer until update().',
    cases: { S: scales, grad: gradients },
    async check({ S, grad }, create) {
      const bench = await Bench.open(create, { initScale: S });
      const optimizer = new PlainOptimizer(grad.length);
      await bench.backward(optimizer, grad);
      await bench.unscale(optimizer);
      if (await bench.refusesUnscale(optimizer)) return;
      demand(`S=${S}, grad=${show(grad)}`, 'after unscale+unscale', grad, optimizer.gradients);
    },
  }),
  define({
    name: 'a skip leaves weights and optimizer state bit-identical',
    explanation: 'step() must look at every gradient, and not call optimizer.step() if one is infinite.',
    cases: { grad: gradients, at: fc.nat(3), value: overflows, byHand: fc.boolean() },
    async check({ grad, at, value, byHand }, create) {
      await checkSkip(create, grad, at % grad.length, value, byHand);
    },
  }),
  define({
    name: 'NaN counts as overflow',
    explanation: 'NaN is not equal to anything, and |NaN| is not greater than any limit: test with isFinite.',
    cases: { grad: gradients, at: fc.nat(3), byHand: fc.boolean() },
    async check({ grad, at, byHand }, create) {
      await checkSkip(create, grad, at % grad.length, Number.NaN, byHand);
    },
  }),
  define({
    name: 'training goes on after a skip',
    explanation: 'What was found must be forgotten at update().',
    cases: { grad: gradients },
    async check({ grad }, create) {
      const bench = await Bench.open(create);
      const optimizer = new PlainOptimizer(grad.length);
      await bench.iterate(optimizer, grad, Number.POSITIVE_INFINITY);
      await bench.iterate(optimizer, grad);
      demand(`overflow, then grad=${show(grad)}`, 'weights', stepped(grad).weights, optimizer.weights);
    },
  }),
  define({
    name: 'the scale grows exactly at the interval',
    explanation: 'Count a good step first, compare then; start again from 0 after growth.',
    cases: { interval: intervals, rounds: fc.integer({ min: 1, max: 2 }), factor: fc.constantFrom(2, 4) },
    async check({ interval, rounds, factor }, create) {
      const bench = await Bench.open(create, { initScale: 4, growthInterval: interval, growthFactor: factor });
      for (let i = 1; i <= interval * rounds; i++) {
        await bench.iterate(new PlainOptimizer(1), [1]);
        const expected = 4 * factor ** Math.floor(i / interval);
        demand(
          `S=4, interval=${interval}, factor=${factor}, ${i} good steps`,
          'scale',
          expected,
          await bench.readScale(),
        );
      }
    },
  }),
  define({
    name: 'an overflow backs the scale off once, at update',
    explanation: 'update() multiplies by the backoff factor, once, and not before all optimizers have stepped.',
    cases: { S: scales, factor: fc.constantFrom(0.5, 0.25), count: fc.integer({ min: 1, max: 3 }) },
    async check({ S, factor, count }, create) {
      const bench = await Bench.open(create, { initScale: S * 64, backoffFactor: factor });
      for (let i = 1; i <= count; i++) {
        const optimizer = new PlainOptimizer(1);
        await bench.backward(optimizer, [Number.POSITIVE_INFINITY]);
        await bench.step(optimizer);
        const given = `S=${S * 64}, factor=${factor}, overflow ${i}`;
        demand(given, 'scale before update', S * 64 * factor ** (i - 1), await bench.readScale());
        await bench.update();
        demand(given, 'scale after update', S * 64 * factor ** i, await bench.readScale());
      }
    },
  }),
  define({
    name: 'backoff comes before growth',
    explanation: 'An overflow in the step that would have completed the interval must back off, and not grow.',
    cases: { interval: intervals },
    async check({ interval }, create) {
      const bench = await Bench.open(create, { initScale: 64, growthInterval: interval });
      for (let i = 1; i < interval; i++) await bench.iterate(new PlainOptimizer(1), [1]);
      await bench.iterate(new PlainOptimizer(1), [Number.POSITIVE_INFINITY]);
      demand(`S=64, interval=${interval}, ${interval - 1} good steps, overflow`, 'scale', 32, await bench.readScale());
    },
  }),
  define({
    name: 'an overflow resets the growth count',
    explanation: 'Growth needs good steps in a row: set the count to 0 at every overflow.',
    cases: { interval: fc.integer({ min: 2, max: 5 }), before: fc.integer({ min: 1, max: 4 }) },
    async check({ interval, before }, create) {
      const good = Math.min(before, interval - 1);
      const bench = await Bench.open(create, { initScale: 64, growthInterval: interval });
      for (let i = 0; i < good; i++) await bench.iterate(new PlainOptimizer(1), [1]);
      await bench.iterate(new PlainOptimizer(1), [Number.POSITIVE_INFINITY]);
      for (let i = 1; i <= interval; i++) {
        await bench.iterate(new PlainOptimizer(1), [1]);
        const given = `S=64, interval=${interval}, ${good} good, overflow, ${i} good`;
        demand(given, 'scale', i < interval ? 32 : 64, await bench.readScale());
      }
    },
  }),
  define({
    name: 'the scale never grows to infinity',
    explanation: 'Keep the scale where the grown one is not finite in float32 (PyTorch #98828).',
    cases: { exponent: fc.integer({ min: 125, max: 127 }) },
    async check({ exponent }, create) {
      const bench = await Bench.open(create, { initScale: 2 ** exponent, growthInterval: 1 });
      for (let i = 0; i < 4; i++) await bench.iterate(new PlainOptimizer(1), [0]);
      const scale = await bench.readScale();
      if (!Number.isFinite(Math.fround(scale)))
        throw new Violation(`S=2^${exponent}, 4 growths  expected scale: finite   got: ${scale}`);
    },
  }),
  define({
    name: 'the scale never falls to 0',
    explanation: 'Give the scale a floor: from 0 nothing grows again (PyTorch #99640, apex #318).',
    cases: { S: fc.constantFrom(1, 2 ** 16) },
    async check({ S }, create) {
      const bench = await Bench.open(create, { initScale: S, backoffFactor: 2 ** -20 });
      for (let i = 0; i < 9; i++) await bench.iterate(new PlainOptimizer(1), [1], Number.NaN);
      const scale = await bench.readScale();
      if (Math.fround(scale) === 0)
        throw new Violation(`S=${S}, 9 overflows at factor 2^-20  expected scale: above 0   got: 0`);
    },
  }),
  define({
    name: 'recovers from any start within log2 skips',
    explanation: 'Each overflow must lower the scale, and the first scale that fits must step.',
    cases: { exponent: fc.integer({ min: 17, max: 40 }) },
    async check({ exponent }, create) {
      const bench = await Bench.open(create, { initScale: 2 ** exponent });
      const optimizer = new PlainOptimizer(1);
      let skips = 0;
      while (optimizer.steps === 0 && skips <= exponent) {
        optimizer.gradients.fill(0);
        const scale = await bench.readScale();
        // A float16 gradient: the largest power of two that fits is 2^15.
        optimizer.accumulate([scale > 2 ** 15 ? Number.POSITIVE_INFINITY : 1], scale);
        await bench.step(optimizer);
        await bench.update();
        if (optimizer.steps === 0) skips++;
      }
      demand(`S=2^${exponent}, gradients overflow above 2^15`, 'skipped steps', exponent - 15, skips);
    },
  }),
  define({
    name: 'of two optimizers, only the one that overflows skips',
    explanation: 'Keep what was found for each optimizer apart, and let update() look at all of them.',
    cases: { grad: gradients, guilty: fc.constantFrom(0, 1), byHand: fc.boolean() },
    async check({ grad, guilty, byHand }, create) {
      const bench = await Bench.open(create, { initScale: 64, growthInterval: 1 });
      const pair = [new PlainOptimizer(grad.length), new PlainOptimizer(grad.length)];
      for (const optimizer of pair) await bench.backward(optimizer, grad);
      (pair[guilty] as PlainOptimizer).gradients[0] = Number.NaN;
      if (byHand) await bench.unscale(pair[0] as PlainOptimizer);
      for (const optimizer of pair) await bench.step(optimizer);
      await bench.update();
      const given = `grad=${show(grad)} in both, NaN in optimizer ${guilty}`;
      const steps = pair.map((optimizer) => optimizer.steps);
      demand(given, 'steps taken', guilty === 0 ? [0, 1] : [1, 0], steps);
      demand(given, 'scale after update from 64', 32, await bench.readScale());
    },
  }),
  define({
    name: 'accumulated gradients are unscaled together',
    explanation: 'The scale must stay the same between two backward passes of one step.',
    cases: { S: scales, first: gradients, micro: fc.integer({ min: 2, max: 4 }) },
    async check({ S, first, micro }, create) {
      const bench = await Bench.open(create, { initScale: S, growthInterval: 1 });
      const optimizer = new PlainOptimizer(first.length);
      for (let i = 0; i < micro; i++) await bench.backward(optimizer, first);
      await bench.step(optimizer);
      await bench.update();
      const control = stepped(first.map((g) => g * micro));
      demand(`S=${S}, ${micro} × grad=${show(first)}`, 'weights', control.weights, optimizer.weights);
    },
  }),
  define({
    name: 'a scaler that was saved and loaded goes on the same',
    explanation: 'state() must hold the scale and the growth count, and creating from it must use both.',
    cases: { interval: fc.integer({ min: 2, max: 5 }), before: fc.integer({ min: 0, max: 6 }), skip: fc.boolean() },
    async check({ interval, before, skip }, create) {
      const seen: number[][] = [[], []];
      for (const [i, isRestored] of [false, true].entries()) {
        const bench = await Bench.open(create, { initScale: 64, growthInterval: interval });
        if (skip) await bench.iterate(new PlainOptimizer(1), [1], Number.NaN);
        for (let n = 0; n < before; n++) await bench.iterate(new PlainOptimizer(1), [1]);
        if (isRestored) await bench.restore();
        for (let n = 0; n < interval; n++) {
          seen[i]?.push(await bench.readScale());
          await bench.iterate(new PlainOptimizer(1), [1]);
        }
      }
      const given = `S=64, interval=${interval}, ${skip ? 'overflow, ' : ''}${before} good steps, saved`;
      demand(given, 'scales from then on', seen[0], seen[1]);
    },
  }),
  define({
    name: 'disabled is transparent',
    explanation: 'With enabled: false, scale() is the identity and step() is optimizer.step().',
    cases: { S: scales, grad: gradients, byHand: fc.boolean() },
    async check({ S, grad, byHand }, create) {
      const bench = await Bench.open(create, { initScale: S, growthInterval: 1, enabled: false });
      const optimizer = new PlainOptimizer(grad.length);
      for (let i = 0; i < 2; i++) {
        optimizer.gradients.fill(0);
        await bench.backward(optimizer, grad);
        if (byHand) await bench.unscale(optimizer);
        await bench.step(optimizer);
        await bench.update();
      }
      const control = stepped(grad);
      control.step();
      demand(`enabled=false, grad=${show(grad)}, 2 steps`, 'weights', control.weights, optimizer.weights);
    },
  }),
];

/** An optimizer that has taken one step with true gradients. */
function stepped(gradient: readonly number[], maxNorm: number = Number.POSITIVE_INFINITY): PlainOptimizer {
  const control = new PlainOptimizer(gradient.length);
  control.accumulate(gradient, 1);
  control.clip(maxNorm);
  control.step();
  return control;
}

async function checkSkip(
  create: CreateScaler,
  grad: readonly number[],
  at: number,
  value: number,
  byHand: boolean,
): Promise<void> {
  const bench = await Bench.open(create);
  const optimizer = new PlainOptimizer(grad.length);
  await bench.iterate(optimizer, grad);
  const before = optimizer.snapshot;
  optimizer.gradients.fill(0);
  await bench.backward(optimizer, grad);
  optimizer.gradients[at] = value;
  if (byHand) await bench.unscale(optimizer);
  await bench.step(optimizer);
  const given = `grad=${show(grad)} with ${value} at ${at}${byHand ? ', unscaled by hand' : ''}`;
  demand(given, '[weights, momentum, steps]', before, optimizer.snapshot);
}

function define<T extends object>(row: {
  readonly name: string;
  readonly explanation: string;
  readonly cases: { readonly [K in keyof T]: Arbitrary<T[K]> };
  readonly check: (values: T, create: CreateScaler) => Promise<void>;
}): ScalerProperty {
  const { name, explanation, cases, check } = row;
  return {
    name,
    explanation,
    property: (create) =>
      fc.asyncProperty(fc.record(cases), (values) =>
        check(values as T, create),
      ) as unknown as fc.IAsyncPropertyWithHooks<never>,
  };
}
