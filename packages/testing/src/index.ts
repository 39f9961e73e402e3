export type { OpSample, Sample } from './arbitraries/op-sample.ts';
export type { SampleTensor } from './arbitraries/tensor.ts';
export { type ConformanceOptions, describeConformance } from './conformance.ts';
export { describeDevice } from './describe-device.ts';
export { decodeBlob, decodeNumber, type GoldenBlob, type GoldenNumber, type GoldenTensor } from './golden/decode.ts';
export {
  type Differentiable,
  type GradcheckOptions,
  type GradcheckReport,
  gradcheck,
  gradgradcheck,
} from './gradcheck.ts';
export { describeMalformedCalls } from './malformed.ts';
export { samples } from './samples.ts';
export { describeShared, readJson, sharedFile } from './shared.ts';
