import { cpu } from '@halfgrad/backend-cpu';
import {
  allocateHost,
  type DType,
  dtypeNames,
  dtypes,
  fromHost,
  isFloat8,
  setDefaultDevice,
  sizeOf,
  type Tensor,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCheckpoint, loadCheckpoint } from './checkpoint.ts';
import { encodeNpy, loadNpy } from './numpy/npy.ts';
import { encodeNpz, loadNpz } from './numpy/npz.ts';
import { loadSafetensors } from './safetensors/read.ts';
import { encodeSafetensors } from './safetensors/write.ts';

setDefaultDevice(cpu);

type Tensors = Record<string, Tensor>;

interface Format {
  readonly dtypes: readonly DType[];
  roundTrip(tensors: Tensors): Promise<Tensors>;
}

const numpyDTypes = dtypeNames.filter((dtype) => dtype !== 'bfloat16' && !isFloat8(dtype));

const formats: Readonly<Record<string, Format>> = {
  safetensors: {
    dtypes: dtypeNames,
    roundTrip: async (tensors) => (await loadSafetensors(await encodeSafetensors(tensors))).tensors,
  },
  checkpoint: {
    dtypes: dtypeNames,
    roundTrip: async (tensors) => (await loadCheckpoint(await encodeCheckpoint({ tensors }), { tensors })).tensors,
  },
  npy: {
    dtypes: numpyDTypes,
    async roundTrip(tensors) {
      const arrays = Object.entries(tensors).map(async ([name, x]) => [name, await loadNpy(await encodeNpy(x))]);
      return Object.fromEntries(await Promise.all(arrays)) as Tensors;
    },
  },
  npz: { dtypes: numpyDTypes, roundTrip: async (tensors) => loadNpz(await encodeNpz(tensors)) },
  'compressed npz': {
    dtypes: numpyDTypes,
    roundTrip: async (tensors) => loadNpz(await encodeNpz(tensors, { compression: 'deflate' })),
  },
};

test.each(Object.entries(formats))('%s brings back names, types, shapes and bits', async (_, format) => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, anyTensor(format.dtypes), { maxKeys: 5 }), async (tensors) => {
      const loaded = await format.roundTrip(tensors);
      expect(Object.keys(loaded).sort()).toEqual(Object.keys(tensors).sort());
      for (const [name, x] of Object.entries(tensors)) expect(bitsOf(loaded[name] as Tensor)).toEqual(bitsOf(x));
    }),
  );
});

/** Names that some format uses otherwise are left out. */
const names = fc
  .string({ unit: 'grapheme', maxLength: 10 })
  .filter((name) => name !== '__metadata__' && !name.startsWith('$'));

/** A tensor of any bits, NaNs of every kind among them. */
function anyTensor(among: readonly DType[]): Arbitrary<Tensor> {
  return fc
    .record({ dtype: fc.constantFrom(...among), shape: fc.array(fc.nat({ max: 3 }), { maxLength: 4 }) })
    .chain(({ dtype, shape }) => {
      const length = sizeOf(shape) * dtypes[dtype].bytes;
      const max = dtype === 'bool' ? 1 : 255;
      return fc.uint8Array({ minLength: length, maxLength: length, max }).map((bytes) => {
        const data = allocateHost(dtype, sizeOf(shape));
        new Uint8Array(data.buffer).set(bytes);
        return fromHost(data, shape, { dtype });
      });
    });
}

function bitsOf(x: Tensor): { dtype: DType; shape: readonly number[]; bytes: number[] } {
  const data = x.device.downloadSync!(x.storage);
  return { dtype: x.dtype, shape: x.shape, bytes: [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)] };
}
