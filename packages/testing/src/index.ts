export { decodeBlob, decodeNumber, type GoldenBlob, type GoldenNumber, type GoldenTensor } from './golden/decode.ts';
export { describeShared, readJson, sharedFile } from './shared.ts';
