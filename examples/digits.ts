import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type DeviceName, deviceNames, openDevice } from 'halfgrad';
import { type Digits, parseDigits, syntheticDigits } from 'halfgrad/data';
import { type Precision, precisions, trainDigits } from './digits/train.ts';

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'cpu' },
    steps: { type: 'string', default: '200' },
    precision: { type: 'string', default: precisions.join(',') },
    'init-scale': { type: 'string', default: String(2 ** 16) },
  },
});

/** The UCI digits where the reference data lies beside the checkout, drawn ones elsewhere. */
function loadDigits(): Digits {
  const shared = process.env['HALFGRAD_SHARED'] ?? join(import.meta.dirname, '..', '..', 'shared');
  const file = join(shared, 'data', 'digits', 'optdigits_train_3823.csv.gz');
  if (!existsSync(file)) return syntheticDigits({ count: 2000 });
  return parseDigits(gunzipSync(readFileSync(file)).toString('utf8'), { name: file });
}

const device = options.device as DeviceName;
const chosen = options.precision.split(',') as Precision[];
const unknown =
  chosen.find((precision) => !precisions.includes(precision)) ?? (deviceNames.includes(device) ? undefined : device);
if (unknown !== undefined) {
  console.error(
    `digits: there is no "${unknown}". Devices: ${deviceNames.join(', ')}. Precisions: ${precisions.join(', ')}.`,
  );
  process.exit(2);
}

const digits = loadDigits();
for (const precision of chosen) {
  console.log(`${device}, ${precision}`);
  const start = performance.now();
  await trainDigits(await openDevice(device), digits, {
    precision,
    steps: Number(options.steps),
    initScale: Number(options['init-scale']),
    logEvery: Math.max(Math.floor(Number(options.steps) / 5), 1),
    onStep: ({ step, loss, scale, stepped }) =>
      console.log(`  step ${step}  loss ${loss.toFixed(4)}  loss scale ${scale}${stepped ? '' : '  skipped'}`),
  });
  console.log(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
