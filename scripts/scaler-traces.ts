import { createScaler } from '../examples/halfgrad-scaler.ts';

/**
 * Prints golden traces of halfgrad's scaler as JSON, for scalers in other languages to be compared with:
 *
 *     node --conditions=@halfgrad/source scripts/scaler-traces.ts > scaler-traces.json
 *
 * Each trace lists what an iteration found, and the scale that the next loss is multiplied by.
 */
const growthInterval = 3;
const found = [
  [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0],
  [1, 1, 1, 1, 1, 1, 1, 1],
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];

const traces = [];
for (const initScale of [1024, 65536, 2 ** 126]) {
  for (const sequence of found) {
    const options = { initScale, growthFactor: 2, backoffFactor: 0.5, growthInterval, enabled: true };
    const scaler = await createScaler(options);
    const scales = [];
    for (const overflows of sequence) {
      const optimizer = { gradients: Float32Array.of(overflows ? Number.POSITIVE_INFINITY : 1), step: () => {} };
      await scaler.step(optimizer);
      await scaler.update();
      scales.push(await scaler.scale(1));
    }
    traces.push({ options, found: sequence, scales });
  }
}
console.log(JSON.stringify({ schema: 'halfgrad.scaler-traces/1', traces }, null, 2));
