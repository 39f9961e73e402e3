import fc, { type AsyncCommand } from 'fast-check';
import { Bench, PlainOptimizer } from './bench.ts';
import type { ScalerProperty } from './properties.ts';
import { Specification, type SpecifiedOptimizer } from './specification.ts';
import { show, Violation } from './violation.ts';

/** A scaler at work, with what was called so far. */
interface Running {
  readonly bench: Bench;
  readonly optimizers: readonly PlainOptimizer[];
  readonly calls: string[];
}

interface Action {
  readonly call: string;
  readonly isLegal: (model: Specification) => boolean;
  readonly specify: (model: Specification) => void;
  readonly run: (real: Running) => Promise<void>;
}

function command({ call, isLegal, specify, run }: Action): AsyncCommand<Specification, Running> {
  return {
    check: isLegal,
    async run(model, real) {
      specify(model);
      real.calls.push(call);
      try {
        await run(real);
        await compare(model, real);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Violation(`${real.calls.join('\n')}\n${message}`);
      }
    },
    toString: () => call,
  };
}

async function compare(model: Specification, { bench, optimizers }: Running): Promise<void> {
  const scale = await bench.readScale();
  if (scale !== model.scale) throw new Violation(`expected scale: ${model.scale}   got: ${scale}`);
  model.optimizers.forEach(({ plain, stage }, i) => {
    const real = optimizers[i] as PlainOptimizer;
    if (show(plain.weights) !== show(real.weights))
      throw new Violation(`expected weights of ${i}: ${show(plain.weights)}   got: ${show(real.weights)}`);
    if (stage === 'unscaled' && show(plain.gradients) !== show(real.gradients))
      throw new Violation(`expected gradients of ${i}: ${show(plain.gradients)}   got: ${show(real.gradients)}`);
  });
}

const at = (model: Specification, i: number): SpecifiedOptimizer => model.optimizers[i] as SpecifiedOptimizer;

function backward(i: number, value: number): Action {
  const gradient = [1, value];
  return {
    call: `scale(loss ${i}), backward: grad ${show(gradient)}`,
    isLegal: (model) => at(model, i).stage === 'ready',
    specify(model) {
      at(model, i).plain.accumulate(gradient, 1);
      at(model, i).hasGradients = true;
    },
    run: ({ bench, optimizers }) => bench.backward(optimizers[i] as PlainOptimizer, gradient),
  };
}

function unscale(i: number): Action {
  return {
    call: `unscale(optimizer ${i})`,
    isLegal: (model) => at(model, i).stage === 'ready' && at(model, i).hasGradients,
    specify(model) {
      at(model, i).stage = 'unscaled';
    },
    run: ({ bench, optimizers }) => bench.unscale(optimizers[i] as PlainOptimizer),
  };
}

function step(i: number): Action {
  return {
    call: `step(optimizer ${i})`,
    isLegal: (model) => at(model, i).stage !== 'stepped' && at(model, i).hasGradients,
    specify: (model) => at(model, i).step(),
    run: ({ bench, optimizers }) => bench.step(optimizers[i] as PlainOptimizer),
  };
}

const update: Action = {
  call: 'update()',
  isLegal: (model) => model.optimizers.some(({ stage }) => stage === 'stepped'),
  specify: (model) => model.update(),
  async run({ bench, optimizers }) {
    await bench.update();
    for (const { gradients } of optimizers) gradients.fill(0);
  },
};

const restore: Action = {
  call: 'state(), a new scaler from it',
  isLegal: (model) => model.optimizers.every(({ stage, hasGradients }) => stage === 'ready' && !hasGradients),
  specify: () => {},
  run: ({ bench }) => bench.restore(),
};

const which = fc.constantFrom(0, 1);
const values = fc.oneof(
  { weight: 4, arbitrary: fc.constant(1) },
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NaN),
);
const commands = fc.commands<Specification, Running, false>(
  [
    fc.tuple(which, values).map(([i, value]) => command(backward(i, value))),
    which.map((i) => command(unscale(i))),
    which.map((i) => command(step(i))),
    fc.constant(command(update)),
    fc.constant(command(restore)),
  ],
  { size: '+1' },
);

/** Whatever the order of calls, as long as it is legal, the scaler does what the specification says. */
export const modelProperty: ScalerProperty = {
  name: 'any legal sequence of calls does what the specification says',
  explanation: 'The last call above is where it first differed.',
  property: (create) =>
    fc.asyncProperty(commands, fc.integer({ min: 1, max: 3 }), async (sequence, growthInterval) => {
      const bench = await Bench.open(create, { initScale: 2 ** 20, growthInterval });
      await fc.asyncModelRun(
        () => ({
          model: new Specification(bench.options, 2),
          real: {
            bench,
            optimizers: [new PlainOptimizer(2), new PlainOptimizer(2)],
            calls: [`S=2^20, growthInterval=${growthInterval}`],
          },
        }),
        sequence,
      );
    }) as unknown as fc.IAsyncPropertyWithHooks<never>,
};
