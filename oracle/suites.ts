import { formatTables } from './formats/tables.ts';
import { testFloat } from './formats/testfloat.ts';
import { casts16Bit } from './golden/casts-16bit.ts';
import { castsFp8 } from './golden/casts-fp8.ts';
import { clipGrad } from './golden/clip-grad.ts';
import { limits } from './golden/finfo.ts';
import { fp64Suites } from './golden/fp64-ops.ts';
import { gradScalerSuites } from './golden/gradscaler.ts';
import { gradScalerUpdate } from './golden/gradscaler-update.ts';
import { halfOps } from './golden/half-ops.ts';
import { lrSchedulers } from './golden/lr-schedulers.ts';
import { optimizerSuites } from './golden/optimizers.ts';
import { promotion } from './golden/promotion.ts';
import { onnxSuites } from './onnx/suites.ts';
import type { Suite } from './suite.ts';
import { torchGradients } from './torch/gradients.ts';
import { webnnSuite } from './webnn/suite.ts';

/** Every suite, in the order of the tables. */
export const suites: readonly Suite[] = [
  ...fp64Suites,
  torchGradients,
  halfOps,
  casts16Bit,
  castsFp8,
  formatTables,
  testFloat,
  limits,
  promotion,
  ...optimizerSuites,
  lrSchedulers,
  clipGrad,
  gradScalerUpdate,
  ...gradScalerSuites,
  ...onnxSuites,
  webnnSuite,
];

/** The devices whose results are part of the docs. */
export const documentedDevices = ['cpu', 'wasm'] as const;
