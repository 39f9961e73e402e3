import { cpu } from '@halfgrad/backend-cpu';
import { fromHost, Generator, setDefaultDevice, tensor } from '@halfgrad/core';
import { Linear } from '@halfgrad/nn';
import { Adam, SGD } from '@halfgrad/optim';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCheckpoint, loadCheckpoint } from './checkpoint.ts';
import { loadSafetensors } from './safetensors/read.ts';
import { encodeSafetensors } from './safetensors/write.ts';

setDefaultDevice(cpu);

/** Plain data of any shape, odd numbers and odd keys included. */
const plain = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('list'), tie('record')),
  leaf: fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.string(), fc.constant(null), fc.constant(-0)),
  list: fc.array(tie('tree'), { maxLength: 4 }),
  record: fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
}));

describe('plain data', () => {
  test('comes back as it was, to the last bit of its numbers', async () => {
    await fc.assert(
      fc.asyncProperty(plain.record, async (record) => {
        const extra = record as object;
        const loaded = await loadCheckpoint(await encodeCheckpoint({ extra }), { extra: {} });
        expect(loaded.extra).toStrictEqual(extra);
      }),
    );
  });

  test('may hold tensors, which keep their bits', async () => {
    const nan = fromHost(new Uint16Array([0x7e01, 0xfe02]), [2], { dtype: 'float16' });
    const extra = { 'a.b': tensor([1]), a: { b: tensor([2]) }, list: [nan] };
    const loaded = await loadCheckpoint(await encodeCheckpoint({ extra }), { extra });
    expect(loaded.extra['a.b'].toArray()).toEqual([1]);
    expect(loaded.extra.a.b.toArray()).toEqual([2]);
    const { storage, device } = loaded.extra.list[0]!;
    expect(device.downloadSync!(storage)).toEqual(new Uint16Array([0x7e01, 0xfe02]));
  });

  test('may be a tensor itself', async () => {
    const { best } = await loadCheckpoint(await encodeCheckpoint({ best: tensor([3]) }), { best: tensor(0) });
    expect(best.toArray()).toEqual([3]);
  });

  test.each<[value: unknown, problem: string]>([
    [new Date(), '"extra.value" is a Date'],
    [new Map(), '"extra.value" is a Map'],
    [new Float32Array(2), '"extra.value" is a Float32Array'],
    [() => 1, '"extra.value" is of type function'],
    [1n, '"extra.value" is of type bigint'],
    [[undefined], '"extra.value.0" is of type undefined'],
    [{ $tensor: 'x' }, '"extra.value" has a key $tensor, which is used for something else'],
  ])('cannot be %o', async (value, problem) => {
    const encoding = encodeCheckpoint({ extra: { value } });
    await expect(encoding).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(encoding).rejects.toThrow(`checkpoint: ${problem}`);
  });

  test('is nested as deep when it is loaded as when it is saved', async () => {
    let extra: object = { here: Number.NaN };
    for (let depth = 0; depth < 98; depth++) extra = [extra];
    const loaded = await loadCheckpoint(await encodeCheckpoint({ extra }), { extra: [] });
    expect(loaded.extra).toEqual(extra);
    await expect(encodeCheckpoint({ extra: [extra] })).rejects.toThrow('is nested more than 100 deep');
  });

  test('cannot contain itself', async () => {
    const extra: { self?: object } = {};
    extra.self = extra;
    await expect(encodeCheckpoint({ extra })).rejects.toThrow('is nested more than 100 deep');
  });

  test.each<[like: object, problem: string]>([
    [{ epoch: 0, loss: 0 }, '"progress.loss" is missing, should be a number'],
    [{ epoch: '' }, '"progress.epoch" is a number, should be a string'],
    [{ epoch: { now: 0 } }, '"progress.epoch" is a number, should be an object'],
    [{ scores: {} }, '"progress.scores" is an array, should be an object'],
    [[], '"progress" is an object, should be an array'],
  ])('is compared with what it is to be used as: %j', async (progress, problem) => {
    const file = await encodeCheckpoint({ progress: { epoch: 3, scores: [1] } });
    await expect(loadCheckpoint(file, { progress })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `loadCheckpoint: ${problem}`,
    });
  });
});

describe('parts', () => {
  const create = (seed: number): { model: Linear; optimizer: Adam; generator: Generator } => {
    const generator = new Generator(seed);
    const model = new Linear(2, 1, { generator });
    const optimizer = new Adam(model.namedParameters(), { lr: seed / 10 });
    model
      .forward(tensor([[1, 2]]))
      .sum()
      .backward();
    optimizer.step();
    return { model, optimizer, generator };
  };

  test('that are undefined are left out, on both sides', async () => {
    const file = await encodeCheckpoint({ ...create(1), scaler: undefined });
    await expect(loadCheckpoint(file, { ...create(2), scaler: undefined })).resolves.toEqual({});
  });

  test('can be loaded without the others', async () => {
    const saved = create(1);
    const { model, optimizer } = create(2);
    await loadCheckpoint(await encodeCheckpoint(saved), { model });
    expect(model.weight.toArray()).toEqual(saved.model.weight.toArray());
    expect(optimizer.paramGroups[0].lr).toBe(0.2);
  });

  test('are named when they are missing', async () => {
    const { model, optimizer } = create(1);
    const loading = loadCheckpoint(await encodeCheckpoint({ model }), { model, optimizer });
    await expect(loading).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'loadCheckpoint: the file has no ["optimizer"]; it has ["model"]',
    });
  });

  test('have all changed or none', async () => {
    const file = await encodeCheckpoint({ ...create(1), optimizer: create(1).generator });
    const parts = create(2);
    const before = await encodeCheckpoint(parts);
    // The generator and the model fit and come first; the state of a generator is none of an optimizer.
    const { generator, model, optimizer } = parts;
    await expect(loadCheckpoint(file, { generator, model, optimizer })).rejects.toThrow(
      'loadCheckpoint: "optimizer" cannot take its state: TypeError',
    );
    expect(Buffer.compare(await encodeCheckpoint(parts), before)).toBe(0);
  });

  test('are tensors under their own names for readers that only know safetensors', async () => {
    const { tensors } = await loadSafetensors(await encodeCheckpoint(create(1)));
    expect(Object.keys(tensors).sort()).toEqual([
      'model.bias',
      'model.weight',
      'optimizer.state.0.exp_avg',
      'optimizer.state.0.exp_avg_sq',
      'optimizer.state.0.step',
      'optimizer.state.1.exp_avg',
      'optimizer.state.1.exp_avg_sq',
      'optimizer.state.1.step',
    ]);
  });
});

describe('a file that is no checkpoint is refused', () => {
  const checkpoint = (content: unknown): Record<string, string> => ({
    'halfgrad.checkpoint': typeof content === 'string' ? content : JSON.stringify(content),
  });

  test.each<[title: string, metadata: Record<string, string>, problem: string]>([
    ['without a note', {}, 'the file was not written by saveCheckpoint. Load it with loadModel or loadSafetensors.'],
    ['of a later version', checkpoint({ version: 2, parts: {} }), 'the file is of version 2, this can read 1'],
    ['of a list', checkpoint([]), 'the file is of version undefined, this can read 1'],
    ['without parts', checkpoint({ version: 1 }), 'the file has no parts'],
    ['without end', checkpoint('['.repeat(1e6)), 'its metadata is not valid: it is nested more than 102 deep'],
    ['that is cut off', checkpoint('{"version":1'), 'its metadata is not valid: '],
    ['without a tensor', checkpoint({ version: 1, parts: { extra: { $tensor: 'x' } } }), 'the file has no tensor "x"'],
  ])('%s', async (_, metadata, problem) => {
    const loading = loadCheckpoint(await encodeSafetensors({}, { metadata }), { extra: {} });
    await expect(loading).rejects.toMatchObject({ code: 'invalid-file' });
    await expect(loading).rejects.toThrow(`checkpoint: ${problem}`);
  });
});

describe('memory', () => {
  test('is the same after saving and loading as before', async () => {
    const create = (): { model: Linear; optimizer: SGD } => {
      const model = new Linear(30, 20);
      return { model, optimizer: new SGD(model.namedParameters()) };
    };
    const [saved, loaded] = [create(), create()];
    const before = cpu.memory().liveBytes;
    const file = await encodeCheckpoint({ ...saved, best: { loss: 0.5 } });
    expect(cpu.memory().liveBytes).toBe(before);
    const { best } = await loadCheckpoint(file, { ...loaded, best: { loss: 0 } });
    expect(best).toEqual({ loss: 0.5 });
    expect(loaded.model.weight.toArray()).toEqual(saved.model.weight.toArray());
    expect(cpu.memory().liveBytes).toBe(before);
  });

  test('holds the tensors of plain data, which are returned', async () => {
    const file = await encodeCheckpoint({ extra: { x: tensor([1, 2, 3]) } });
    const before = cpu.memory().liveBytes;
    const { extra } = await loadCheckpoint(file, { extra: { x: tensor(0) } });
    expect(extra.x.toArray()).toEqual([1, 2, 3]);
    expect(cpu.memory().liveBytes - before).toBe(16);
  });
});
