import { readdirSync } from 'node:fs';
import { type Device, isFloat, type Tensor } from '@halfgrad/core';
import { readJson, sharedFile } from '@halfgrad/testing';
import { type Agreement, type Claim, claim, exactly, within, withinUlps } from '../compare.ts';
import { Missing, type Suite } from '../suite.ts';
import { elementwiseOps } from './elementwise.ts';
import { createCall, type WebnnCase, type WebnnOp } from './graph.ts';
import { layerOps } from './layers.ts';
import { shapeOps } from './shape.ts';
import { load, recordedOf } from './tensors.ts';

const ops: Readonly<Record<string, WebnnOp>> = { ...elementwiseOps, ...layerOps, ...shapeOps };

export const webnnSuite: Suite = {
  name: 'webnn',
  source: 'Conformance tests of WebNN (web-platform-tests)',
  tolerance: "each test's own, in units in the last place or absolute",
  files: ['suites/webnn'],
  cases: () =>
    readdirSync(sharedFile('suites/webnn')).flatMap((file) =>
      readJson<{ tests: readonly WebnnCase[] }>(`suites/webnn/${file}`).tests.map((recorded) => ({
        name: recorded.name,
        run: (device: Device) => runGraph(recorded, device),
      })),
    ),
};

function runGraph({ graph: { inputs, operators, expectedOutputs }, tolerance }: WebnnCase, device: Device): Claim[] {
  const expected = Object.entries(expectedOutputs).map(([name, output]) => ({ name, recorded: recordedOf(output) }));
  const values = new Map<string, Tensor>();
  for (const [name, recorded] of Object.entries(inputs)) values.set(name, load(recorded, device));
  for (const operator of operators) {
    const op = ops[operator.name];
    if (!op) throw new Missing(`WebNN ${operator.name}`);
    const results = [op(createCall(operator, values, device))].flat() as Tensor[];
    for (const [i, name] of [operator.outputs].flat().entries()) values.set(name, results[i] as Tensor);
  }
  return expected.map(({ name, recorded }) =>
    claim(name, values.get(name) as Tensor, recorded, isFloat(recorded.dtype) ? agreement(tolerance) : exactly),
  );
}

function agreement({ type, value }: WebnnCase['tolerance']): Agreement {
  return type === 'ULP' ? withinUlps(value, 'float32') : within({ relative: 0, absolute: value });
}
