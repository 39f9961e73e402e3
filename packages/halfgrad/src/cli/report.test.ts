import { stripVTControlCharacters } from 'node:util';
import { confusionMatrix, correctness } from '@halfgrad/metrics';
import fc from 'fast-check';
import pc from 'picocolors';
import { describe, expect, test } from 'vitest';
import { type ComparisonReport, judgeAgainst, type RunResult, summarize } from '../experiments/comparison.ts';
import { type ModeName, modeNames } from '../experiments/modes.ts';
import { renderEpoch, renderReport } from './report.ts';
import { widthOf } from './text.ts';

const plain = { colors: pc.createColors(false) };

/** Test image `i` shows class `i mod classes`. */
interface Scenario {
  readonly classes: number;
  readonly images: number;
  readonly seeds: readonly number[];
  /** How many of the first images a mode takes for the next class. */
  readonly wrong: Partial<Record<ModeName, number>>;
  readonly isEmulated: boolean;
}

const scenario: Scenario = {
  classes: 3,
  images: 60,
  seeds: [1],
  wrong: { none: 6, automatic: 7, manual: 40 },
  isEmulated: true,
};

function runOf(mode: ModeName, seed: number, { classes, images, wrong }: Scenario): RunResult {
  const targets = Array.from({ length: images }, (_, i) => i % classes);
  const predictions = targets.map((target, i) => (i < (wrong[mode] ?? 0) ? (target + 1) % classes : target));
  const isMixed = mode !== 'none';
  return {
    mode,
    seed,
    epochs: [
      {
        mode,
        seed,
        epoch: 1,
        epochs: 1,
        loss: 1.5,
        imagesPerSecond: isMixed ? 7200 / (30 + seed) : 300,
        scale: isMixed ? 32_768 : 1,
        skippedSteps: isMixed ? 1 : 0,
        steps: 32,
      },
    ],
    trainSeconds: isMixed ? 30 + seed : 24,
    evalSeconds: 2,
    bytes: {
      parameters: 46_700,
      gradients: mode === 'manual' ? 23_350 : 46_700,
      optimizerState: 46_700,
      savedActivations: isMixed ? 2_300_000 : 4_300_000,
    },
    predictions,
    confusion: confusionMatrix(predictions, targets, classes),
    correct: correctness(predictions, targets),
  };
}

function reportOf(chosen: Scenario): ComparisonReport {
  const { seeds, classes, images, isEmulated, wrong } = chosen;
  const byMode = modeNames.flatMap((mode) => {
    const [first, ...others] = mode in wrong ? seeds.map((seed) => runOf(mode, seed, chosen)) : [];
    return first ? [[first, ...others] as const] : [];
  });
  const baseline = byMode.find(([{ mode }]) => mode === 'none');
  return {
    schema: 'halfgrad.compare/1',
    device: 'cpu',
    isEmulated,
    model: 'small-cnn',
    data: {
      name: 'embedded shapes',
      train: 1000,
      test: images,
      classes: Array.from({ length: classes }, (_, i) => `shape ${i}`),
    },
    settings: { seeds, epochs: 1, batch: 32, lossFactor: 2 ** -16, lossScale: false },
    modes: byMode.map(summarize),
    verdicts: byMode.flatMap((runs) =>
      baseline && runs !== baseline ? [judgeAgainst(baseline, runs, { isEmulated })] : [],
    ),
    runs: [],
  };
}

describe('the report of a comparison', () => {
  test('shows what was run, the measures, the matrices and the verdicts', () => {
    expect(`\n${renderReport(reportOf(scenario), plain)}\n`).toMatchInlineSnapshot(`
      "
      small-cnn on embedded shapes
      1,000 training and 60 test images · 1 epoch · batch 32 · seed 1 · loss x 2^-16 · no loss scale
      cpu, which emulates 16-bit arithmetic

                                      none  automatic                  manual
                                   float32   autocast            float16 copy
      quality  accuracy            90.00 %    88.33 %  -1.67 pp       33.33 %  -56.67 pp
               precision           90.00 %    88.40 %  -1.60 pp       33.30 %  -56.70 pp
               recall              90.00 %    88.33 %  -1.67 pp       33.33 %  -56.67 pp
               F1                  90.00 %    88.33 %  -1.67 pp       33.31 %  -56.69 pp
      time     training             24.0 s     31.0 s     +29 %        31.0 s      +29 %
               evaluation            2.0 s      2.0 s       0 %         2.0 s        0 %
      memory   parameters         45.6 KiB   45.6 KiB       0 %      45.6 KiB        0 %
               gradients          45.6 KiB   45.6 KiB       0 %      22.8 KiB      -50 %
               optimizer state    45.6 KiB   45.6 KiB       0 %      45.6 KiB        0 %
               saved activations  4.10 MiB   2.19 MiB     -47 %      2.19 MiB      -47 %
               together           4.23 MiB   2.33 MiB     -45 %      2.30 MiB      -46 %
      scaling  skipped steps       0 of 32    1 of 32                 1 of 32
               final loss scale          1       2^15                    2^15

      Images, true classes in rows, predicted ones in columns: 0 shape 0, 1 shape 1, 2 shape 2.

             none      │ automatic │ manual
              0  1  2  │  0  1  2  │  0  1  2
      0 sha  18  2  ·  │ 17  3  ·  │  6 14  ·
      1 sha   · 18  2  │  · 18  2  │  ·  7 13
      2 sha   2  · 18  │  2  · 18  │ 13  ·  7

             automatic - none │ manual - none
              0  1  2         │   0   1   2
      0 sha  -1 +1  ·         │ -12 +12   ·
      1 sha   ·  ·  ·         │   · -11 +11
      2 sha   ·  ·  ·         │ +11   · -11

      accuracy: at most 1 percentage point below float32 on the same images; a loss of more than 3 fails
        automatic  INCONCLUSIVE  -1.67 pp, 95 % interval -8.43 to +4.53
                                 0 right only here, 1 only in float32; McNemar's test: p = 1.0
        manual     FAIL          -56.67 pp, 95 % interval -67.66 to -41.94
                                 0 right only here, 34 only in float32; McNemar's test: p < 0.001

      time: at least 20 % less training time
        automatic  not judged  emulated arithmetic is slower than hardware by design
        manual     not judged  emulated arithmetic is slower than hardware by design

      memory: at least 30 % fewer bytes of parameters, gradients, optimizer state and saved activations
        automatic  PASS  45.0 % less
        manual     PASS  45.6 % less
      "
    `);
  });

  test('shows the range over the seeds, and of the time saved where time is judged', () => {
    const text = renderReport(reportOf({ ...scenario, seeds: [1, 2], isEmulated: false }), plain);
    expect(text).toContain('seeds 1, 2');
    expect(text).toMatch(/worst, best seed +90\.0, 90\.0/);
    expect(text).toMatch(/automatic +FAIL +31\.3 % more; single epochs 33\.3 % more to 29\.2 % more/);
    expect(text).not.toContain('emulate');
  });

  test('says how many predictions left a verdict open, and how many would not', () => {
    const text = renderReport(reportOf({ ...scenario, seeds: [1, 2], wrong: { none: 6, automatic: 6 } }), plain);
    expect(text).toMatch(/INCONCLUSIVE +0\.00 pp/);
    expect(text).toMatch(/120 predictions leave it open, about [\d,]+00 would settle it/);
  });

  test('puts float32 first, whatever was asked for first', () => {
    const report = reportOf(scenario);
    expect(renderReport({ ...report, modes: report.modes.toReversed() }, plain)).toMatch(/none +manual +automatic/);
  });

  test('says why there is no verdict without float32, and compares nothing with itself', () => {
    const text = renderReport(reportOf({ ...scenario, wrong: { automatic: 1, manual: 1 } }), plain);
    expect(text).toMatch(/accuracy +98\.33 % {7}98\.33 %$/m);
    expect(text).toContain('No verdict: there is no float32 to compare with. Add the mode none.');
    expect(text).not.toContain(' pp');
    expect(renderReport(reportOf({ ...scenario, wrong: { none: 1 } }), plain)).not.toContain('verdict');
  });

  const scenarios: fc.Arbitrary<Scenario> = fc.record({
    classes: fc.integer({ min: 2, max: 12 }),
    images: fc.integer({ min: 1, max: 500 }),
    seeds: fc.constantFrom([1], [1, 2, 3]),
    wrong: fc.record({ none: fc.nat(500), automatic: fc.nat(500), manual: fc.nat(500) }, { requiredKeys: [] }),
    isEmulated: fc.boolean(),
  });

  test('is a function of the JSON that --json prints', () => {
    fc.assert(
      fc.property(scenarios, (chosen) => {
        const report = reportOf(chosen);
        expect(renderReport(JSON.parse(JSON.stringify(report)), plain)).toBe(renderReport(report, plain));
      }),
    );
  });

  test('fits into 100 columns, and says the same in colour', () => {
    fc.assert(
      fc.property(scenarios, (chosen) => {
        const report = reportOf(chosen);
        const lines = renderReport(report, plain).split('\n');
        expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(100);
        const painted = renderReport(report, { colors: pc.createColors(true) }).split('\n');
        expect(painted.map((line) => stripVTControlCharacters(line).trimEnd())).toEqual(lines);
      }),
    );
  });
});

test('an epoch is one line, aligned with that of any other mode', () => {
  const lines = modeNames.map((mode) => renderEpoch(runOf(mode, 1, scenario).epochs[0]!));
  expect(lines).toMatchInlineSnapshot(`
    [
      "none       seed 1  epoch 1/1  loss 1.500    300 images/s  loss scale 1     skipped 0 of 32",
      "automatic  seed 1  epoch 1/1  loss 1.500    232 images/s  loss scale 2^15  skipped 1 of 32",
      "manual     seed 1  epoch 1/1  loss 1.500    232 images/s  loss scale 2^15  skipped 1 of 32",
    ]
  `);
});
