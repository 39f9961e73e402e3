export { copyModule } from './copy-module.ts';
export type { ForwardHook, ForwardPreHook } from './hooks.ts';
export type { InitOptions, KaimingOptions, Nonlinearity, XavierOptions } from './init.ts';
export * as init from './init.ts';
export {
  Hardsigmoid,
  Hardswish,
  LogSigmoid,
  Mish,
  ReLU,
  ReLU6,
  SELU,
  Sigmoid,
  SiLU,
  Softsign,
  Tanh,
  Tanhshrink,
} from './layers/activation.ts';
export {
  CELU,
  ELU,
  GELU,
  GLU,
  Hardshrink,
  Hardtanh,
  LeakyReLU,
  PReLU,
  Softplus,
  Softshrink,
  Threshold,
} from './layers/activation-with-settings.ts';
export {
  type AttentionCall,
  type AttentionMasks,
  type AttentionResult,
  MultiheadAttention,
  type MultiheadAttentionOptions,
} from './layers/attention.ts';
export { BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormOptions } from './layers/batch-norm.ts';
export { Conv1d, Conv2d, Conv3d, type ConvLayerOptions } from './layers/conv.ts';
export {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerOptions,
} from './layers/conv-transpose.ts';
export { Dropout } from './layers/dropout.ts';
export { Embedding, EmbeddingBag, type EmbeddingBagOptions, type EmbeddingLayerOptions } from './layers/embedding.ts';
export { Flatten } from './layers/flatten.ts';
export { GroupNorm, type GroupNormOptions } from './layers/group-norm.ts';
export { Identity } from './layers/identity.ts';
export {
  InstanceNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type InstanceNormOptions,
} from './layers/instance-norm.ts';
export { LayerNorm, type LayerNormOptions } from './layers/layer-norm.ts';
export { Linear, type LinearOptions } from './layers/linear.ts';
export { LocalResponseNorm, type LocalResponseNormOptions } from './layers/local-response-norm.ts';
export {
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MarginRankingLoss,
  MSELoss,
  MultiMarginLoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  SoftMarginLoss,
  TripletMarginLoss,
} from './layers/losses.ts';
export type { LayerOptions } from './layers/options.ts';
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
} from './layers/pooling.ts';
export { gruCell, type LSTMState, lstmCell, type RecurrentWeights, rnnCell } from './layers/recurrence.ts';
export {
  GRU,
  LSTM,
  type LSTMResult,
  type RecurrentOptions,
  type RecurrentResult,
  RNN,
  type RNNOptions,
} from './layers/recurrent.ts';
export {
  type CellOptions,
  GRUCell,
  LSTMCell,
  RNNCell,
  type RNNCellOptions,
} from './layers/recurrent-cell.ts';
export { PixelShuffle, PixelUnshuffle, Upsample } from './layers/resolution.ts';
export { RMSNorm, type RMSNormOptions } from './layers/rms-norm.ts';
export { Sequential } from './layers/sequential.ts';
export { LogSoftmax, Softmax, Softmin } from './layers/softmax.ts';
export { TransformerEncoder, TransformerEncoderLayer, type TransformerLayerOptions } from './layers/transformer.ts';
export {
  BertForSequenceClassification,
  type BertInputs,
  BertModel,
  type BertOptions,
  type BertOutput,
} from './models/bert.ts';
export { mlp } from './models/mlp.ts';
export { BasicBlock, ResNet, type ResNetOptions } from './models/resnet.ts';
export { SmallCnn, type SmallCnnOptions } from './models/small-cnn.ts';
export { type AnyModule, Module, type ToOptions } from './module.ts';
export { Buffer, Parameter } from './parameter.ts';
export type { LoadOptions, LoadReport, StateDict } from './state-dict.ts';
