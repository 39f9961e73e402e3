import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice, type Tensor, tensor, zeros } from '@halfgrad/core';
import { BatchNorm1d, Embedding, Linear, Module, type Parameter, Sequential } from '@halfgrad/nn';
import { afterAll, describe, expect, test } from 'vitest';
import { loadModel, saveModel } from './model.ts';
import { loadSafetensors, openSafetensors } from './read.ts';
import { encodeSafetensors, saveSafetensors } from './write.ts';

setDefaultDevice(cpu);

const folder = mkdtempSync(join(tmpdir(), 'halfgrad-io-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A head that shares its weight with the embedding, as language models have it. */
class Tied extends Module {
  readonly embed = new Embedding(3, 2);
  readonly head: { readonly weight: Parameter; readonly bias: Parameter };

  constructor() {
    super();
    this.head = { weight: this.embed.weight, bias: new Linear(2, 3).bias as Parameter };
  }

  forward(index: Tensor): Tensor {
    return this.embed.forward(index);
  }
}

const block = (): Sequential => new Sequential(new Linear(2, 3), new BatchNorm1d(3));

describe('a model', () => {
  test('is the same again in another one', async () => {
    const path = join(folder, 'block.safetensors');
    const trained = block();
    for (let step = 0; step < 3; step++)
      trained.forward(
        tensor([
          [step, 1],
          [2, 3],
        ]),
      );
    await saveModel(path, trained, { metadata: { task: 'demo' } });
    const other = block();
    expect(await loadModel(path, other)).toEqual({ missing: [], unexpected: [] });
    expect(valuesOf(other)).toEqual(valuesOf(trained));
    expect(other.stateDict()['1.num_batches_tracked']!.item()).toBe(3);
  });

  test('has the names, types and shapes in the file that PyTorch expects', async () => {
    const path = join(folder, 'names.safetensors');
    await saveModel(path, block());
    const file = await openSafetensors(path);
    await file.close();
    expect(file.metadata).toEqual({ format: 'pt' });
    // torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).state_dict()
    expect(
      Object.fromEntries(Array.from(file.entries, ([name, { dtype, shape }]) => [name, [dtype, ...shape]])),
    ).toEqual({
      '0.weight': ['F32', 3, 2],
      '0.bias': ['F32', 3],
      '1.weight': ['F32', 3],
      '1.bias': ['F32', 3],
      '1.running_mean': ['F32', 3],
      '1.running_var': ['F32', 3],
      '1.num_batches_tracked': ['I64'],
    });
  });

  test('is cast to the dtypes it is loaded into', async () => {
    const path = join(folder, 'half.safetensors');
    const half = block().to('float16');
    await saveModel(path, half);
    const { tensors } = await loadSafetensors(path);
    expect(tensors['0.weight']!.dtype).toBe('float16');
    const other = block();
    await loadModel(path, other);
    expect(other.stateDict()['0.weight']!.dtype).toBe('float32');
    expect(other.stateDict()['0.weight']!.toArray()).toEqual(half.stateDict()['0.weight']!.toArray());
  });

  test('that ties weights is written with each of them once, and loaded back', async () => {
    const path = join(folder, 'tied.safetensors');
    const trained = new Tied();
    await saveModel(path, trained);
    const other = new Tied();
    await loadModel(path, other);
    expect(valuesOf(other)).toEqual(valuesOf(trained));
    expect(other.head.weight).toBe(other.embed.weight);
  });

  test('that ties weights is loaded from a file that has only one of them, and no note about the other', async () => {
    const { 'embed.weight': _, ...state } = new Tied().stateDict();
    const other = new Tied();
    expect(await loadModel(await encodeSafetensors(state), other)).toEqual({ missing: [], unexpected: [] });
    expect(other.stateDict()['embed.weight']!.toArray()).toEqual(state['head.weight']!.toArray());
  });

  test('leaves nothing else in memory when it is saved and loaded', async () => {
    const path = join(folder, 'memory.safetensors');
    const model = new Tied();
    const before = cpu.memory().liveBytes;
    await saveModel(path, model);
    await loadModel(path, model);
    expect(cpu.memory().liveBytes).toBe(before);
  });

  test('takes over names that are renamed, and nothing that is left out', async () => {
    const state = block().stateDict();
    const renamed = Object.fromEntries(Object.entries(state).map(([name, x]) => [`model.${name}`, x]));
    const other = block();
    await loadModel(await encodeSafetensors({ ...renamed, position_ids: zeros([4], { dtype: 'int32' }) }), other, {
      rename: (name) => (name.startsWith('model.') ? name.slice('model.'.length) : undefined),
    });
    expect(other.stateDict()['0.weight']!.toArray()).toEqual(state['0.weight']!.toArray());
  });

  test('takes no two tensors for one', async () => {
    const loading = loadModel(await encodeSafetensors(block().stateDict()), block(), { rename: () => 'weight' });
    await expect(loading).rejects.toThrow('loadModel: rename gives two tensors the name "weight"');
  });

  test('does not change when the file does not fit', async () => {
    const { '1.bias': _, ...state } = block().stateDict();
    const other = block();
    const before = valuesOf(other);
    const file = await encodeSafetensors({ ...state, extra: tensor([1]) });
    await expect(loadModel(file, other)).rejects.toThrow(/missing "1.bias" \(float32\[3\]\); unexpected "extra"/);
    expect(valuesOf(other)).toEqual(before);
    expect(await loadModel(file, other, { strict: false })).toEqual({ missing: ['1.bias'], unexpected: ['extra'] });
  });
});

describe('files', () => {
  test('are read in pieces from their path until they are closed', async () => {
    const path = join(folder, 'pieces.safetensors');
    await saveSafetensors(path, { a: tensor([1, 2]), b: tensor(3, { dtype: 'float64' }) });
    const file = await openSafetensors(path);
    expect((await file.read('b')).item()).toBe(3);
    expect((await file.read('a')).toArray()).toEqual([1, 2]);
    await file.close();
    await expect(file.read('a')).rejects.toMatchObject({ code: 'invalid-file' });
  });

  test('that are not there are named', async () => {
    const path = join(folder, 'nowhere.safetensors');
    await expect(loadSafetensors(path)).rejects.toMatchObject({ code: 'invalid-file' });
    await expect(loadSafetensors(path)).rejects.toThrow(`cannot read ${path}: ENOENT`);
  });

  test('hold the values of the moment when saving began', async () => {
    const path = join(folder, 'moment.safetensors');
    const model = new Linear(1, 1);
    const before = model.weight.item();
    const saving = saveModel(path, model);
    model.loadStateDict({ weight: tensor([[7]]), bias: tensor([7]) });
    await saving;
    expect((await loadSafetensors(path)).tensors['weight']!.item()).toBe(before);
  });
});

function valuesOf(model: { stateDict(): Readonly<Record<string, Tensor>> }): Record<string, unknown> {
  return Object.fromEntries(Object.entries(model.stateDict()).map(([name, x]) => [name, x.toArray()]));
}
