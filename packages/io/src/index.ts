export {
  type CheckpointParts,
  encodeCheckpoint,
  loadCheckpoint,
  type PlainParts,
  type Positioned,
  type Stateful,
  saveCheckpoint,
} from './checkpoint.ts';
export { encodeNpy, loadNpy, type NpyOptions, saveNpy } from './numpy/npy.ts';
export { encodeNpz, loadNpz, type NpzOptions, saveNpz } from './numpy/npz.ts';
export { openWhole } from './open-whole.ts';
export type { SafetensorsDType } from './safetensors/dtypes.ts';
export type { SafetensorsEntry } from './safetensors/header.ts';
export {
  type LoadableModel,
  type LoadModelOptions,
  loadModel,
  type SavableModel,
  type SaveModelOptions,
  saveModel,
} from './safetensors/model.ts';
export {
  loadSafetensors,
  openSafetensors,
  type ReadAllOptions,
  type ReadOptions,
  type Safetensors,
  SafetensorsFile,
} from './safetensors/read.ts';
export { encodeSafetensors, type SafetensorsOptions, saveSafetensors } from './safetensors/write.ts';
export type { ByteSource, Source } from './source.ts';
