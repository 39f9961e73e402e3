import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  currentLayers,
  gelu,
  type Layer,
  layerOrder,
  mul,
  type OpCall,
  type OpName,
  setDefaultDevice,
  tensor,
  withLayers,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

/** Notes the ops that pass. */
function noting(seen: string[], label: string): Layer {
  return (next) => (call) => {
    seen.push(`${label}:${call.op}`);
    return next(call);
  };
}

describe('layers', () => {
  test('run from the outermost to the innermost', () => {
    const seen: string[] = [];
    const layers = Object.fromEntries(layerOrder.map((slot) => [slot, noting(seen, slot)]));
    withLayers(layers, () => mul(tensor([1]), 2));
    expect(seen).toEqual(['observe:mul', 'autocast:mul', 'autograd:mul']);
  });

  test('may change a call on its way down', () => {
    const doubling: Layer = (next) => {
      return <K extends OpName>(call: OpCall<K>) => next(call.op === 'mul' ? { ...call, op: 'add' as K } : call);
    };
    expect(withLayers({ observe: doubling }, () => mul(tensor(3), 4)).item()).toBe(7);
  });

  test('see what the user called, not the steps of a decomposition', () => {
    const seen: string[] = [];
    withLayers({ observe: noting(seen, 'observe') }, () =>
      gelu(tensor([1], { requiresGrad: true }))
        .sum()
        .backward(),
    );
    expect(seen).toEqual(['observe:gelu', 'observe:sum']);
  });

  test('are restored when the body throws', () => {
    const before = currentLayers();
    expect(() =>
      withLayers({ autograd: undefined }, () => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(currentLayers()).toBe(before);
  });

  test('refuse a body that returns a promise', () => {
    const before = currentLayers();
    expect(() => withLayers({}, async () => 1)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: the callback returned a promise. Regions are synchronous: await outside.]`,
    );
    expect(currentLayers()).toBe(before);
  });
});
