import { cpu } from '@halfgrad/backend-cpu';
import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  Generator,
  greater,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import {
  type AnyModule,
  Embedding,
  Linear,
  LSTM,
  Module,
  Parameter,
  TransformerEncoder,
  TransformerEncoderLayer,
} from '@halfgrad/nn';
import { describe, expect, test } from 'vitest';
import { AdamW, LambdaLR, warmupCosine } from './index.ts';

setDefaultDevice(cpu);

/** The losses of a training run whose batches are drawn anew at every step. */
function train(model: AnyModule, steps: number, lossOf: () => Tensor): number[] {
  const optimizer = new AdamW(model.parameters(), { lr: 0.03 });
  const scheduler = new LambdaLR(optimizer, warmupCosine({ warmupSteps: 10, totalSteps: steps }));
  return Array.from({ length: steps }, () => {
    optimizer.zeroGrad();
    const loss = lossOf();
    loss.backward();
    optimizer.step();
    scheduler.step();
    return loss.item();
  });
}

describe('sequence models learn', () => {
  test('an LSTM to remember the first of five signs', () => {
    class Memory extends Module {
      readonly lstm = new LSTM(1, 8, { generator });
      readonly head = new Linear(8, 1, { generator });
      forward(x: Tensor): Tensor {
        return this.head.forward(this.lstm.forward(x).output.select(0, -1));
      }
    }
    const generator = new Generator(1);
    const model = new Memory();
    const losses = train(model, 100, () => {
      const x = randn([5, 32, 1], { generator }).sign();
      const isPositive = greater(x.select(0, 0), 0).to('float32');
      return binaryCrossEntropyWithLogits(model.forward(x), isPositive);
    });
    expect(losses[0]).toBeGreaterThan(0.6);
    expect(mean(losses.slice(-10))).toBeLessThan(0.2);
  });

  test('a transformer to repeat what stood one place before', () => {
    const [vocabulary, length, width] = [5, 6, 16];
    const generator = new Generator(2);
    class Shift extends Module {
      readonly tokens = new Embedding(vocabulary, width, { generator });
      readonly positions = new Parameter(randn([length, width], { generator }));
      readonly encoder = new TransformerEncoder(
        new TransformerEncoderLayer(width, 2, { dimFeedforward: 32, dropout: 0, batchFirst: true, generator }),
        1,
      );
      readonly head = new Linear(width, vocabulary, { generator });
      forward(ids: Tensor): Tensor {
        const x = this.tokens.forward(ids).add(this.positions);
        return this.head.forward(this.encoder.forward(x, { isCausal: true }));
      }
    }
    const model = new Shift();
    const losses = train(model, 80, () => {
      const rows = Array.from({ length: 32 }, () =>
        Array.from({ length }, () => (generator.words(1)[0] as number) % vocabulary),
      );
      const ids = tensor(rows, { dtype: 'int32' });
      // Nothing stands before the first place.
      const before = tensor(
        rows.map((row) => [-100, ...row.slice(0, -1)]),
        { dtype: 'int32' },
      );
      return crossEntropy(model.forward(ids).transpose(1, 2), before);
    });
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(mean(losses.slice(-10))).toBeLessThan(0.1);
  });
});

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
