import { describe, expect, test } from 'vitest';
import { type EpochLog, judgeAgainst, type RunResult, summarize } from './comparison.ts';

const images = 10_000;

/** A run on two classes in which all images but the first `wrong` are classified correctly. */
function runOf(changes: Partial<RunResult>, wrong = 0): RunResult {
  return {
    mode: 'automatic',
    seed: 1,
    epochs: [],
    trainSeconds: 100,
    evalSeconds: 1,
    bytes: { parameters: 100, gradients: 100, optimizerState: 100, savedActivations: 700 },
    predictions: [],
    confusion: [
      [images / 2, 0],
      [wrong, images / 2 - wrong],
    ],
    correct: Array.from({ length: images }, (_, i) => i >= wrong),
    ...changes,
  };
}

function epochOf(seconds: number, i: number): EpochLog {
  return {
    mode: 'automatic',
    seed: 1,
    epoch: i + 1,
    epochs: 2,
    loss: 1,
    imagesPerSecond: 1000 / seconds,
    scale: 1,
    skippedSteps: 0,
    steps: 1,
  };
}

function judge(baseline: RunResult, candidate: RunResult, isEmulated = false) {
  const { criteria } = judgeAgainst([baseline], [candidate], { isEmulated });
  return Object.fromEntries(criteria.map((criterion) => [criterion.name, criterion]));
}

describe('the verdict on a mode (AMP.md F2.11, H1)', () => {
  test.each([
    [0, 'pass'],
    [50, 'pass'],
    [100, 'inconclusive'],
    [200, 'inconclusive'],
    [300, 'inconclusive'],
    [400, 'fail'],
  ])('on %i of 10,000 images lost is %s', (lost, verdict) => {
    expect(judge(runOf({}), runOf({}, lost))['accuracy']).toMatchObject({
      verdict,
      estimate: { difference: 0 - lost / 100 },
    });
  });

  test('says how many predictions would settle it where that helps', () => {
    const few = (wrong: number) => runOf({ correct: Array.from({ length: 200 }, (_, i) => i >= wrong) }, wrong);
    expect(judge(few(0), few(0))['accuracy']).toMatchObject({
      verdict: 'inconclusive',
      pairsNeeded: expect.any(Number),
    });
    expect(judge(few(0), few(4))['accuracy']).not.toHaveProperty('pairsNeeded');
    expect(judge(runOf({}), runOf({}))['accuracy']).not.toHaveProperty('pairsNeeded');
  });

  test.each([
    [[79, 75], 'pass'],
    [[81, 95], 'fail'],
    [[75, 85], 'inconclusive'],
    [[50], 'inconclusive'],
  ])('on epochs of %j seconds instead of 100 is %s', (seconds, verdict) => {
    const timed = (epochSeconds: readonly number[]) => runOf({ epochs: epochSeconds.map(epochOf) });
    expect(judge(timed(seconds.map(() => 100)), timed(seconds))['time']).toMatchObject({ verdict });
  });

  test('does not judge the time of emulated arithmetic', () => {
    expect(judge(runOf({}), runOf({ trainSeconds: 1 }), true)['time']).toMatchObject({
      verdict: 'not judged',
      reason: 'emulated arithmetic is slower than hardware by design',
    });
  });

  test.each([
    [400, 'pass'],
    [401, 'fail'],
  ])('on %i bytes of activations instead of 700, of 1,000 in all, is %s', (savedActivations, verdict) => {
    const bytes = { ...runOf({}).bytes, savedActivations };
    expect(judge(runOf({}), runOf({ bytes }))['memory']).toMatchObject({ verdict });
  });

  test('compares the same images seed by seed', () => {
    const correct = [true, false, true];
    const { paired } = judgeAgainst(
      [runOf({ correct }), runOf({ seed: 2, correct })],
      [runOf({ correct }), runOf({ seed: 2, correct: [true, true, true] })],
      { isEmulated: true },
    );
    expect(paired).toEqual({ onlyA: 1, onlyB: 0, pValue: 1 });
  });
});

describe('the summary of a mode', () => {
  test('pools the predictions and averages the times of its seeds', () => {
    const summary = summarize([runOf({ trainSeconds: 10 }, 0), runOf({ seed: 2, trainSeconds: 20 }, 1000)]);
    expect(summary).toMatchObject({
      accuracy: 0.95,
      accuracies: [1, 0.9],
      trainSeconds: 15,
      confusion: [
        [10_000, 0],
        [1000, 9000],
      ],
      recall: 0.95,
    });
  });
});
