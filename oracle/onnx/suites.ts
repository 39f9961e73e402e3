import { readdirSync } from 'node:fs';
import { type Device, type DType, grad, isFloat, type Tensor } from '@halfgrad/core';
import { readJson, sharedFile } from '@halfgrad/testing';
import { type Agreement, type Claim, claim, exactly, recordedAs, within } from '../compare.ts';
import { type Case, Missing, type Suite } from '../suite.ts';
import { elementwiseOps } from './elementwise.ts';
import { createCall, type OnnxCase, type OnnxNode, type OnnxOp, type OnnxTensor, type OnnxValue } from './graph.ts';
import { indexingOps } from './indexing.ts';
import { movementOps } from './movement.ts';
import { normalizationOps } from './normalization.ts';
import { quantizationOps } from './quantization.ts';
import { recurrentOps } from './recurrent.ts';
import { reductionOps } from './reduction.ts';
import { dtypeOf, load, valuesOf } from './tensors.ts';
import { windowOps } from './windows.ts';

const ops: Readonly<Record<string, OnnxOp>> = {
  ...elementwiseOps,
  ...indexingOps,
  ...movementOps,
  ...normalizationOps,
  ...quantizationOps,
  ...recurrentOps,
  ...reductionOps,
  ...windowOps,
  Gradient: (call) =>
    grad(
      call.named(call.text('y', '')),
      (call.texts('xs') ?? []).map((name) => call.named(name)),
    ),
};

/** Of results that are computed; what is copied or converted has to be the same. */
const tolerances: { readonly [D in DType]?: Agreement } = {
  float32: within({ relative: 1e-4, absolute: 1e-6 }),
  float64: within({ relative: 1e-4, absolute: 1e-6 }),
  float16: within({ relative: 1e-3, absolute: 1e-3 }),
};
const convertingOps = new Set(['Cast']);
const tolerance = 'float 1e-4 relative, 1e-6 absolute; float16 1e-3; casts exact';

export const onnxSuites: readonly Suite[] = [
  {
    name: 'onnx-node',
    source: 'ONNX backend node tests',
    tolerance,
    files: ['suites/onnx-node'],
    cases: () => readdirSync(sharedFile('suites/onnx-node')).flatMap((file) => readCases(`suites/onnx-node/${file}`)),
  },
  {
    name: 'onnx-pytorch-converted',
    source: 'ONNX graphs converted from PyTorch modules',
    tolerance,
    files: ['suites/onnx-pytorch-converted.json'],
    cases: () => readCases('suites/onnx-pytorch-converted.json'),
  },
  {
    name: 'onnx-simple-gradient',
    source: 'ONNX training graphs',
    tolerance,
    files: ['suites/onnx-simple-gradient.json'],
    cases: () => readCases('suites/onnx-simple-gradient.json'),
  },
];

/** suites/README.md tells to ignore it: its answer was recorded to four digits. */
const ignored = 'averagepool_2d_ceil_last_window_starts_on_pad';

function readCases(path: string): Case[] {
  const { cases } = readJson<{ cases: readonly OnnxCase[] }>(path);
  return cases
    .filter(({ name }) => name !== ignored)
    .map((recorded) => ({
      name: recorded.name,
      run: (device) => runGraph(recorded, device),
    }));
}

function runGraph({ opset, nodes, initializers = {}, inputs, outputs }: OnnxCase, device: Device): Claim[] {
  const expected = Object.entries(outputs).map(([name, output]) => ({
    name,
    recorded: recordedAs(dtypeOf(output.dtype), output.shape, valuesOf(output)),
  }));
  const values = new Map<string, OnnxValue>();
  for (const [name, recorded] of Object.entries({ ...initializers, ...constantsOf(nodes), ...inputs })) {
    const x = load(recorded, device);
    if (isFloat(x.dtype)) x.requiresGrad = true;
    values.set(name, { tensor: x, recorded });
  }
  for (const node of nodes.filter(({ op }) => op !== 'Constant')) {
    const results = runNode(node, values, opset['ai.onnx'], device);
    for (const [i, name] of node.outputs.entries()) values.set(name, { tensor: results[i] as Tensor });
  }
  const isConverted = nodes.every(({ op }) => convertingOps.has(op));
  return expected.map(({ name, recorded }) => {
    const agrees = isConverted ? exactly : (tolerances[recorded.dtype as DType] ?? exactly);
    return claim(name, values.get(name)?.tensor as Tensor, recorded, agrees);
  });
}

function constantsOf(nodes: readonly OnnxNode[]): Record<string, OnnxTensor> {
  const constants = nodes.flatMap(({ outputs: [name], attributes: { value } }) =>
    name !== undefined && typeof value === 'object' && 'tensor' in value ? [[name, value.tensor] as const] : [],
  );
  return Object.fromEntries(constants);
}

function runNode(
  node: OnnxNode,
  values: ReadonlyMap<string, OnnxValue>,
  opset: number,
  device: Device,
): readonly Tensor[] {
  const op = ops[node.op];
  if (!op) throw new Missing(`ONNX ${node.op}`);
  const result = op(createCall(node, values, opset, device));
  return Array.isArray(result) ? result : [result as Tensor];
}
