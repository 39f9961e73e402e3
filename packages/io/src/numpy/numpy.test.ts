import { cpu } from '@halfgrad/backend-cpu';
import { type DType, setDefaultDevice, sizeOf, tensor } from '@halfgrad/core';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { encodeNpy, loadNpy } from './npy.ts';
import { encodeNpz, loadNpz } from './npz.ts';

setDefaultDevice(cpu);

/** The elements 0, 1, 2, 3, 4, −5 of `<f4`. */
const f4 = '000000000000803f0000004000004040000080400000a0c0';

describe('.npy', () => {
  // Expected from numpy.save of NumPy 2.4.
  test.each<[dtype: DType, header: string, elements: string]>([
    ['bool', "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", '000101'],
    ['uint8', "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", '000102'],
    ['int32', "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", '000000000100000002000000'],
    ['float16', "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", '0000003c0040'],
    ['float32', "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", '000000000000803f00000040'],
  ])('is what NumPy writes byte by byte: %s', async (dtype, header, elements) => {
    const x = tensor([0, 1, 2], { dtype });
    expect(Buffer.from(await encodeNpy(x)).toString('latin1')).toBe(npy(header, elements).toString('latin1'));
  });

  test.each<[shape: readonly number[], written: string]>([
    [[], '()'],
    [[2, 3], '(2, 3)'],
  ])('writes the shape [%s] as a tuple of Python', async (shape, written) => {
    const x = tensor(new Float32Array(sizeOf(shape)), { shape });
    expect(Buffer.from(await encodeNpy(x)).toString('latin1')).toContain(`'shape': ${written}, }`);
  });

  test('refuses bfloat16, which NumPy does not have, and says what to do', async () => {
    await expect(encodeNpy(tensor([1], { dtype: 'bfloat16' }))).rejects.toMatchObject({
      code: 'unsupported',
      message: "npy: NumPy has no bfloat16. Save x.to('float32'), which holds every value exactly, or use safetensors.",
    });
  });

  const rows = [
    [0, 1, 2],
    [3, 4, -5],
  ];

  test.each<[title: string, file: Buffer, dtype: DType]>([
    ['version 2.0', npy(dict('<f4'), f4, [2, 0]), 'float32'],
    ['version 3.0', npy(dict('<f4'), f4, [3, 0]), 'float32'],
    ['columns first', npy(dict('<f4', 'True'), '00000000000040400000803f00008040000000400000a0c0'), 'float32'],
    ['big-endian float16', npy(dict('>f2'), '00003c00400042004400c500'), 'float16'],
    ['big-endian int32', npy(dict('>i4'), '0000000000000001000000020000000300000004fffffffb'), 'int32'],
    ['int64', npy(dict('<i8'), hex(new BigInt64Array([0n, 1n, 2n, 3n, 4n, -5n]))), 'int32'],
    ['keys in another order', npy(`{"shape": (2, 3), "fortran_order": False, "descr": "<f4"}`, f4), 'float32'],
    ['sizes of Python 2', npy(dict('<f4').replace('(2, 3)', '(2L, 3L)'), f4), 'float32'],
  ])('reads %s', async (_, file, dtype) => {
    const x = await loadNpy(file);
    expect(x).toMatchObject({ dtype, shape: [2, 3] });
    expect(x.toArray()).toEqual(rows);
  });

  test('reads any order of three dimensions as NumPy does', async () => {
    const header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }";
    const x = await loadNpy(npy(header, hex(Uint8Array.from({ length: 24 }, (_, i) => i))));
    // With the first index changing fastest, element [i, j, k] is number i + 2j + 6k.
    const expected = Array.from([0, 1], (i) =>
      Array.from([0, 1, 2], (j) => Array.from([0, 1, 2, 3], (k) => i + 2 * j + 6 * k)),
    );
    expect(x.toArray()).toEqual(expected);
  });

  test.each<[title: string, file: Uint8Array, problem: string]>([
    ['no bytes', new Uint8Array(0), 'it does not begin as arrays of NumPy do'],
    ['another magic', npy(dict('<f4'), f4).fill(0, 0, 1), 'it does not begin as arrays of NumPy do'],
    ['version 4', npy(dict('<f4'), f4, [4, 0]), 'its version is 4, known are 1 to 3'],
    ['a cut header', npy(dict('<f4'), f4).subarray(0, 60), 'it is cut off in its header'],
    ['no length', npy(dict('<f4'), f4).subarray(0, 9), 'it is cut off in its header'],
    ['a long header', npy(dict('<f4').padEnd(10_001), f4), 'a header of 10038 bytes is more than NumPy accepts'],
    ['a header that is no dictionary', npy('[1, 2]', f4), 'its header is not valid: "[1, 2]"'],
    ['a header of code', npy("__import__('os')", f4), 'its header is not valid'],
    ['a missing key', npy("{'descr': '<f4', 'shape': (6,)}", f4), 'its header is not valid'],
    ['a key twice', npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (6,)}", f4), 'not valid'],
    ['a negative size', npy(dict('<f4').replace('2,', '-2,'), f4), 'its header is not valid'],
    ['a size that overflows', npy(dict('<f4').replace('2,', '9007199254740993,'), f4), 'its header is not valid'],
    ['sizes that overflow', npy(dict('<f4').replace('(2, 3)', '(4294967296, 4294967296, 0)'), ''), 'is not valid'],
    ['too few elements', npy(dict('<f4'), f4.slice(8)), 'float32[2,3] take 24 bytes, but 20 follow the header'],
    ['too many elements', npy(dict('<f4'), `${f4}00`), 'take 24 bytes, but 25 follow the header'],
    ['a bool of 2', npy(dict('|b1'), '000100010002'), 'a bool of 2, which is neither 0 nor 1'],
  ])('refuses %s', async (_, file, problem) => {
    const loading = loadNpy(file);
    await expect(loading).rejects.toThrow(problem);
    await expect(loading).rejects.toMatchObject({ name: 'TensorError', code: 'invalid-file' });
  });

  test.each(['<c8', '|V2', '|S3', '<i2', '|O', '<M8[s]', 'xf4', ''])(
    'cannot read elements of type %j',
    async (descr) => {
      await expect(loadNpy(npy(dict(descr), f4))).rejects.toMatchObject({
        code: 'unsupported',
        message: `npy: the file: elements of type "${descr}" cannot be read. Convert the array in NumPy, for example with x.astype('float32').`,
      });
    },
  );

  test('cannot read records, and names their fields', async () => {
    const header = "{'descr': [('n', '<U1'), ('i', '<i4')], 'fortran_order': False, 'shape': (1,), }";
    await expect(loadNpy(npy(header, '6100000001000000'))).rejects.toThrow('type [["n","<U1"],["i","<i4"]] cannot be');
  });

  test('refuses integers that do not fit int32', async () => {
    const header = "{'descr': '<i8', 'fortran_order': False, 'shape': (), }";
    await expect(loadNpy(npy(header, '0000008000000000'))).rejects.toThrow(
      'npy: the file: the array holds the integer 2147483648, which does not fit int32',
    );
  });
});

describe('.npz', () => {
  /** `numpy.savez_compressed(f, a=arange(3, dtype='<f4'), **{'b/c': array([True, False])})` by NumPy 2.4. */
  const byNumPy = Buffer.from(
    'UEsDBC0AAAAIAAAAIQC2jIZT//////////8FABQAYS5ucHkBABAAjAAAAAAAAABLAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6' +
      'Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoUAC4GMGiwBxIOAFBLAwQtAAAACAAAACEA7hm7Xf//////////BwAUAGIvYy5u' +
      'cHkBABAAggAAAAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loF6TZKiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mj' +
      'oKtQoUAC5GBgBQSwECLQMtAAAACAAAACEAtoyGU0sAAACMAAAABQAAAAAAAAAAAAAAgAEAAAAAYS5ucHlQSwECLQMtAAAACAAAACEA7hm7XUYA' +
      'AACCAAAABwAAAAAAAAAAAAAAgAGCAAAAYi9jLm5weVBLBQYAAAAAAgACAGgAAAABAQAAAAA=',
    'base64',
  );
  const directory = byNumPy.length - 22 - 0x68;

  test('reads what NumPy compressed', async () => {
    const arrays = await loadNpz(byNumPy);
    expect(Object.entries(arrays).map(([name, x]) => [name, x.dtype, x.toArray()])).toEqual([
      ['a', 'float32', [0, 1, 2]],
      ['b/c', 'bool', [true, false]],
    ]);
  });

  test('is smaller when compressed, and the same bytes every time', async () => {
    const tensors = { zeros: tensor(new Float32Array(1000)) };
    const [stored, packed, again] = [
      await encodeNpz(tensors),
      await encodeNpz(tensors, { compression: 'deflate' }),
      await encodeNpz(tensors, { compression: 'deflate' }),
    ];
    expect(packed.length).toBeLessThan(stored.length / 10);
    expect(packed).toEqual(again);
  });

  test.each<[title: string, file: Uint8Array, problem: string]>([
    ['no bytes', new Uint8Array(0), 'it has no directory'],
    ['a cut archive', byNumPy.subarray(0, -1), 'it has no directory'],
    ['a cut start', byNumPy.subarray(10), 'its directory is damaged'],
    ['data that is not deflated', changed(byNumPy, { at: 70, to: [0] }), 'invalid distance'],
    ['a wrong checksum', changed(byNumPy, { at: directory + 16, to: [0] }), '"a.npy" is damaged'],
    ['a wrong size', changed(byNumPy, { at: directory + 24, to: [139] }), '"a.npy" is damaged'],
    [
      'a size beyond deflate',
      changed(byNumPy, { at: directory + 26, to: [255] }),
      '"a.npy" cannot unpack to 16711820 bytes',
    ],
    [
      'an unknown way of packing',
      changed(byNumPy, { at: directory + 10, to: [12] }),
      '"a.npy" is compressed in a way that',
    ],
    ['a file elsewhere', changed(byNumPy, { at: directory + 42, to: [4] }), '"a.npy" is not where it should be'],
    ['a file beyond the end', changed(byNumPy, { at: directory + 42, to: [100, 1] }), 'not an archive'],
    ['files that overlap', changed(byNumPy, { at: directory + 20, to: [64, 1] }), 'its files overlap'],
    ['a directory beyond the end', changed(byNumPy, { at: byNumPy.length - 6, to: [0, 0, 1] }), 'not an archive'],
    ['a name twice', twice('a.npy', new Uint8Array(3)), '"a.npy" appears twice'],
    ['something that is no array', zipSync({ 'read.me': new Uint8Array(3) }), '"read.me" in it is not an array'],
  ])('refuses %s', async (_, file, problem) => {
    const loading = loadNpz(file);
    await expect(loading).rejects.toThrow(problem);
    await expect(loading).rejects.toMatchObject({ name: 'TensorError', code: 'invalid-file' });
  });
});

/** A dictionary as NumPy writes it for two rows of three. */
function dict(descr: string, fortranOrder = 'False'): string {
  return `{'descr': '${descr}', 'fortran_order': ${fortranOrder}, 'shape': (2, 3), }`;
}

/** A file as NumPy lays it out: the dictionary padded with spaces and a line end to a multiple of 64 bytes. */
function npy(header: string, elements: string, [major, minor]: readonly [number, number] = [1, 0]): Buffer {
  const start = major === 1 ? 10 : 12;
  const text = `${header.padEnd(Math.ceil((start + header.length + 1) / 64) * 64 - start - 1)}\n`;
  const length = Buffer.alloc(start - 8);
  length.writeUIntLE(text.length, 0, length.length);
  const magic = Buffer.from(`\x93NUMPY${String.fromCharCode(major, minor)}`, 'latin1');
  return Buffer.concat([magic, length, Buffer.from(text), Buffer.from(elements, 'hex')]);
}

function changed(bytes: Uint8Array, { at, to }: { readonly at: number; readonly to: readonly number[] }): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(to, at);
  return copy;
}

/** An archive whose directory has the same file at two places. */
function twice(name: string, content: Uint8Array): Uint8Array {
  const other = `_${name.slice(1)}`;
  const archive = Buffer.from(zipSync({ [name]: content, [other]: content }));
  archive.write(name, archive.lastIndexOf(other));
  return archive;
}

function hex({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('hex');
}
