import type { Device, HostData } from '@halfgrad/core';
import { createHostTensor, type HostTensor, ledger } from './host-tensor.ts';
import { kernels } from './kernels/index.ts';
import { updates } from './updates.ts';

/** The reference device: plain JavaScript on typed arrays, garbage collected. */
export const cpu: Device<HostTensor> = {
  name: 'cpu',
  emulatesHalf: true,
  kernels,
  updates,
  upload: (data, spec) => createHostTensor(spec, data.slice()),
  download: async (storage) => copyOf(storage),
  downloadSync: copyOf,
  free: ({ block, dtype }) => ledger.free(block, { dtype, bytes: block.data.byteLength }),
  memory: ledger.report,
};

function copyOf({ block }: HostTensor): HostData {
  return block.data.slice();
}
