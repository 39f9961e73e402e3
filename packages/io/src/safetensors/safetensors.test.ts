import { cpu } from '@halfgrad/backend-cpu';
import { dtypeNames, dtypes, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../source.ts';
import { loadSafetensors, openSafetensors } from './read.ts';
import { encodeSafetensors } from './write.ts';

setDefaultDevice(cpu);

describe('files of tensors', () => {
  test('hold the tensors one after the other, each at a multiple of its element size', async () => {
    const tensors = Object.fromEntries(dtypeNames.map((dtype) => [dtype, tensor([1, 0, 1], { dtype })]));
    const bytes = await encodeSafetensors(tensors);
    const { header, start } = splitFile(bytes);
    expect(start % 8).toBe(0);
    for (const dtype of dtypeNames) expect(header[dtype]!.data_offsets[0] % dtypes[dtype].bytes).toBe(0);
    expect(start + Math.max(...Object.values(header).map(({ data_offsets }) => data_offsets[1]))).toBe(bytes.length);
  });

  test('bring back their notes', async () => {
    const metadata = { format: 'pt', 'größe "x"': '\n', constructor: '' };
    expect((await loadSafetensors(await encodeSafetensors({ x: tensor([1]) }, { metadata }))).metadata).toEqual(
      metadata,
    );
  });

  // The first three are expected in the tests of the Rust library; the order of the last is that of its Dtype enum.
  test.each<[title: string, tensors: Record<string, Tensor>, metadata: Record<string, string>, header: string]>([
    ['no tensors', {}, {}, '{}      '],
    ['only notes', {}, { framework: 'pt' }, '{"__metadata__":{"framework":"pt"}}     '],
    [
      'a header that needs padding',
      { attn0: tensor([0, 1, 2, 3, 4, 5], { shape: [1, 1, 2, 3] }) },
      {},
      '{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ',
    ],
    [
      'several types',
      { b: tensor([1, 0], { dtype: 'bool' }), d: tensor(1, { dtype: 'float64' }), c: tensor([1]), a: tensor([2]) },
      {},
      '{"d":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"c":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[16,18]}}      ',
    ],
  ])('are those of the Rust library byte by byte: %s', async (_, tensors, metadata, header) => {
    const bytes = await encodeSafetensors(tensors, { metadata });
    expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt(header.length));
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + header.length))).toBe(header);
  });

  test('store elements in little-endian order', async () => {
    const bytes = await encodeSafetensors({ x: tensor([1, -2], { dtype: 'float16' }) });
    expect([...bytes.subarray(-4)]).toEqual([0x00, 0x3c, 0x00, 0xc0]);
  });
});

describe('integers of 64 bits', () => {
  const limits = [0n, -1n, -(2n ** 31n), 2n ** 31n - 1n];

  test('are read as int32 and can be written from it', async () => {
    const file = fileOf({ x: { dtype: 'I64', shape: [4], data_offsets: [0, 32] } }, new BigInt64Array(limits));
    const { tensors } = await loadSafetensors(file);
    expect(tensors['x']).toMatchObject({ dtype: 'int32', shape: [4] });
    expect(tensors['x']!.toArray()).toEqual(limits.map(Number));
    const written = await encodeSafetensors(tensors, { integers: 'I64' });
    expect(written.subarray(-32)).toEqual(new Uint8Array(new BigInt64Array(limits).buffer));
    expect(splitFile(written).header['x']!.dtype).toBe('I64');
  });

  test.each([2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, -(2n ** 63n)])(
    'are refused when they do not fit: %d',
    async (value) => {
      const file = fileOf({ y: { dtype: 'I64', shape: [], data_offsets: [0, 8] } }, new BigInt64Array([value]));
      await expect(loadSafetensors(file)).rejects.toMatchObject({
        code: 'unsupported',
        message: `safetensors: the file: tensor "y" (I64[]) holds the integer ${value}, which does not fit int32`,
      });
    },
  );
});

describe('types that the library does not have', () => {
  test('can be listed, and do not keep the others from being read', async () => {
    const header = {
      a: { dtype: 'C64', shape: [1], data_offsets: [0, 8] },
      b: { dtype: 'U8', shape: [2], data_offsets: [8, 10] },
      c: { dtype: 'F4', shape: [2], data_offsets: [10, 11] },
    };
    const file = await openSafetensors(fileOf(header, new Uint8Array(11)));
    expect([...file.entries.values()].map(({ dtype }) => dtype)).toEqual(['C64', 'U8', 'F4']);
    expect((await file.read('b')).toArray()).toEqual([0, 0]);
    await expect(file.read('a')).rejects.toMatchObject({
      code: 'unsupported',
      message:
        'safetensors: the file: tensor "a" (C64[1]) cannot be read. Convert it to one of BOOL, U8, I32, I64, F8_E4M3, F8_E5M2, F16, BF16, F32, F64.',
    });
  });
});

describe('tied tensors', () => {
  const weight = tensor([[1, 2]]);

  test('are written once, and are one tensor again', async () => {
    const tied = { 'head.weight': weight, 'embed.weight': weight.detach(), bias: tensor([1, 2]) };
    const bytes = await encodeSafetensors(tied, { metadata: { format: 'pt' } });
    expect(Object.keys(splitFile(bytes).header).sort()).toEqual(['__metadata__', 'bias', 'embed.weight']);
    const { tensors, metadata } = await loadSafetensors(bytes);
    expect(metadata).toEqual({ format: 'pt', 'head.weight': 'embed.weight' });
    expect(tensors['head.weight']).toBe(tensors['embed.weight']);
    expect(tensors['bias']).not.toBe(tensors['embed.weight']);
    expect(tensors['head.weight']!.toArray()).toEqual([[1, 2]]);
  });

  test('are written each when they have different shapes', async () => {
    const { tensors } = await loadSafetensors(await encodeSafetensors({ a: weight, b: weight.reshape([2]) }));
    expect(tensors['a']!.toArray()).toEqual([[1, 2]]);
    expect(tensors['b']!.toArray()).toEqual([1, 2]);
  });

  test('leave no place for a note under the same name', async () => {
    const encoding = encodeSafetensors({ a: weight, b: weight }, { metadata: { b: 'a note' } });
    await expect(encoding).rejects.toThrow('the metadata has "b", which is the second name of a tensor');
  });
});

describe('reading in pieces', () => {
  test('takes no more of the file than the header and the tensor that is asked for', async () => {
    const bytes = await encodeSafetensors({ a: tensor(new Float32Array(1000)), b: tensor([1, 2, 3]) });
    const ranges: [number, number][] = [];
    const source: ByteSource = {
      size: bytes.length,
      async read(offset, length) {
        ranges.push([offset, length]);
        // At an odd place of its buffer, as pieces often are.
        return new Uint8Array([0, ...bytes.subarray(offset, offset + length)]).subarray(1);
      },
    };
    const file = await openSafetensors(source);
    const { start } = splitFile(bytes);
    expect((await file.read('b')).toArray()).toEqual([1, 2, 3]);
    expect(ranges).toEqual([
      [0, 8],
      [8, start - 8],
      [start + 4000, 12],
    ]);
  });

  test('reads only the names that are wanted', async () => {
    const bytes = await encodeSafetensors({ 'a.x': tensor([1]), 'b.x': tensor([2]) });
    const { tensors } = await loadSafetensors(bytes, { only: (name) => name.startsWith('b.') });
    expect(Object.keys(tensors)).toEqual(['b.x']);
  });

  test('says so when a tensor is not there', async () => {
    const file = await openSafetensors(await encodeSafetensors({ weight: tensor([1]) }));
    await expect(file.read('wieght')).rejects.toThrow('the file has no tensor "wieght". It has ["weight"].');
  });

  test('notices a source that gives fewer bytes than it should', async () => {
    const bytes = await encodeSafetensors({ a: tensor([1, 2]) });
    const file = await openSafetensors({
      size: bytes.length,
      read: async (offset, length) => bytes.subarray(offset, Math.min(offset + length, bytes.length - 1)),
    });
    await expect(file.read('a')).rejects.toMatchObject({ code: 'invalid-file' });
  });
});

describe('a file is refused', () => {
  const entry = (more: object): object => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...more } });
  const pair = (second: readonly [number, number]): object => ({
    a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] },
    b: { dtype: 'U8', shape: [second[1] - second[0]], data_offsets: second },
  });
  const lengthOnly = (length: bigint): Uint8Array => new Uint8Array(new BigUint64Array([length, 0n]).buffer);

  test.each<[title: string, file: Uint8Array, problem: string]>([
    ['of no bytes', new Uint8Array(0), '0 bytes are too few for a header'],
    ['with a header beyond its end', lengthOnly(9n), 'its header should end at byte 17, but the file ends at 16'],
    [
      'with a header over 100 MB',
      lengthOnly(100_000_001n),
      'a header of 100000001 bytes is more than the format allows',
    ],
    ['with a header length of 2^64 − 1', lengthOnly(2n ** 64n - 1n), 'more than the format allows'],
    ['that is not JSON', fileOf('{"a":}', 0), 'its header is not valid'],
    ['that is not UTF-8', fileOf(new Uint8Array([0x7b, 0xff, 0x7d]), 0), 'its header is not valid: it is not UTF-8'],
    ['with a list for a header', fileOf('[]', 0), 'its header is not a JSON object'],
    ['with a name that appears twice', fileOf('{"a":{}, "\\u0061" :{}}', 0), 'the key "a" appears twice'],
    [
      'with a key of an entry that appears twice',
      fileOf('{"a":{"dtype":"U8","dtype":"U8"}}', 0),
      '"dtype" appears twice',
    ],
    ['with nesting without end', fileOf(`{"a":${'['.repeat(1e5)}`, 0), 'it is nested more than 3 deep'],
    [
      'with notes that are not strings',
      fileOf({ __metadata__: { a: 1 } }, 0),
      '__metadata__ is not an object of strings',
    ],
    ['with an entry that is no object', fileOf({ a: [] }, 0), 'tensor "a": its entry is not an object'],
    ['of a type that there is not', fileOf(entry({ dtype: 'toString' }), 8), 'tensor "a": dtype "toString" is none of'],
    ['without a type', fileOf(entry({ dtype: undefined }), 8), 'tensor "a": dtype undefined is none of the format\'s'],
    ['with a negative size', fileOf(entry({ shape: [-2] }), 8), 'tensor "a": shape [-2] is not a list of sizes'],
    ['with a fractional size', fileOf(entry({ shape: [2.5] }), 8), 'tensor "a": shape [2.5] is not a list of sizes'],
    ['with sizes that overflow', fileOf(entry({ shape: [2 ** 52, 2 ** 52] }), 8), 'is not a list of sizes that can be'],
    ['with sizes that overflow beside 0', fileOf(entry({ shape: [0, 2 ** 52, 2 ** 52] }), 8), 'is not a list of sizes'],
    ['with 65 dimensions', fileOf(entry({ shape: new Array(65).fill(1) }), 8), 'is not a list of sizes that can be'],
    [
      'with a negative position',
      fileOf(entry({ data_offsets: [-8, 0] }), 8),
      'data_offsets [-8,0] are not two positions',
    ],
    [
      'with three positions',
      fileOf(entry({ data_offsets: [0, 4, 8] }), 8),
      'data_offsets [0,4,8] are not two positions',
    ],
    [
      'with too few bytes',
      fileOf(entry({ data_offsets: [0, 4] }), 4),
      'F32[2] takes 8 bytes, but data_offsets are [0,4]',
    ],
    ['with positions backwards', fileOf(entry({ data_offsets: [8, 0] }), 8), 'data_offsets are [8,0]'],
    ['with half a byte', fileOf(entry({ dtype: 'F4', shape: [3], data_offsets: [0, 1] }), 1), 'F4[3] takes 1.5 bytes'],
    ['that is cut off', fileOf(entry({}), 7), 'tensor "a" ends at 8, but only 7 bytes follow the header'],
    ['with bytes left over', fileOf(entry({}), 9), '1 bytes at its end belong to no tensor'],
    [
      'with a gap at the start',
      fileOf(entry({ data_offsets: [1, 9] }), 9),
      '"a" leaves a gap before it: it begins at 1, not at 0',
    ],
    ['with a gap between', fileOf(pair([5, 6]), 6), 'tensor "b" leaves a gap before it: it begins at 5, not at 4'],
    ['with an overlap', fileOf(pair([3, 6]), 6), 'tensor "b" overlaps the one before it: it begins at 3, not at 4'],
    [
      'with a bool of 2',
      fileOf({ m: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, new Uint8Array([2])),
      'a bool of 2',
    ],
  ])('%s', async (_, file, problem) => {
    const loading = loadSafetensors(file);
    await expect(loading).rejects.toThrow(problem);
    await expect(loading).rejects.toMatchObject({ name: 'TensorError', code: 'invalid-file' });
  });
});

/** The bytes of a file with a certain header, and zeros or certain bytes behind it. */
function fileOf(header: object | string | Uint8Array, data: number | Uint8Array | BigInt64Array): Uint8Array {
  const text = header instanceof Uint8Array || typeof header === 'string' ? header : JSON.stringify(header);
  const encoded = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const tail = typeof data === 'number' ? new Uint8Array(data) : new Uint8Array(data.buffer);
  const length = new Uint8Array(new BigUint64Array([BigInt(encoded.length)]).buffer);
  return new Uint8Array([...length, ...encoded, ...tail]);
}

interface RawEntry {
  readonly dtype: string;
  readonly data_offsets: [number, number];
}

/** What the header says, read as simply as can be. */
function splitFile(bytes: Uint8Array): { header: Record<string, RawEntry>; start: number } {
  const start = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  return { header: JSON.parse(new TextDecoder().decode(bytes.subarray(8, start))) as Record<string, RawEntry>, start };
}
