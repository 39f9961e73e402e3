import { adaptiveAvgPool2d, relu, type Tensor, TensorError } from '@halfgrad/core';
import { kaimingNormal } from '../init.ts';
import { BatchNorm2d } from '../layers/batch-norm.ts';
import { Conv2d } from '../layers/conv.ts';
import { Linear } from '../layers/linear.ts';
import { drawing, type LayerOptions } from '../layers/options.ts';
import { Sequential } from '../layers/sequential.ts';
import { Module } from '../module.ts';

export interface ResNetOptions extends LayerOptions {
  /** 6n + 2 layers, n basic blocks in each of the three stages: 8, 14, 20, … */
  readonly depth?: number;
  /** Channels of the first stage; the others have twice and four times as many. */
  readonly width?: number;
  readonly inChannels?: number;
  readonly classes?: number;
}

/**
 * The residual network for small images, with torchvision's names (`layer1.0.conv1.weight`).
 *
 * A 3×3 stem, three stages of basic blocks on halved resolutions, global average pooling and a linear classifier. Where
 * the size changes, the shortcut is a 1×1 convolution with batch norm, as in torchvision.
 *
 * @see He et al. (2016), section 4.2. https://arxiv.org/abs/1512.03385
 */
export class ResNet extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly fc: Linear;

  constructor({ depth = 20, width = 16, inChannels = 3, classes = 10, ...options }: ResNetOptions = {}) {
    super();
    const blocks = (depth - 2) / 6;
    if (!Number.isInteger(blocks) || blocks < 1) {
      throw new TensorError('invalid-argument', `ResNet: depth is ${depth}. Use 6n + 2, such as 8 or 20.`);
    }
    this.conv1 = conv3x3(inChannels, width, 1, options);
    this.bn1 = new BatchNorm2d(width, options);
    this.layer1 = stage(blocks, width, width, 1, options);
    this.layer2 = stage(blocks, width, 2 * width, 2, options);
    this.layer3 = stage(blocks, 2 * width, 4 * width, 2, options);
    this.fc = new Linear(4 * width, classes, options);
    this.apply((module) => {
      if (module instanceof Conv2d) {
        kaimingNormal(module.weight, { mode: 'fanOut', nonlinearity: 'relu', ...drawing(options) });
      }
    });
  }

  forward(images: Tensor): Tensor {
    const stem = relu(this.bn1.forward(this.conv1.forward(images)));
    const features = this.layer3.forward(this.layer2.forward(this.layer1.forward(stem)));
    return this.fc.forward(adaptiveAvgPool2d(features, 1).flatten(1));
  }
}

/** Two 3×3 convolutions around which the input is added back (He et al. 2016, figure 2). */
export class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | undefined;

  constructor(inChannels: number, outChannels: number, stride: number, options: LayerOptions = {}) {
    super();
    this.conv1 = conv3x3(inChannels, outChannels, stride, options);
    this.bn1 = new BatchNorm2d(outChannels, options);
    this.conv2 = conv3x3(outChannels, outChannels, 1, options);
    this.bn2 = new BatchNorm2d(outChannels, options);
    if (stride !== 1 || inChannels !== outChannels) {
      this.downsample = new Sequential(
        new Conv2d(inChannels, outChannels, 1, { stride, bias: false, ...options }),
        new BatchNorm2d(outChannels, options),
      );
    }
  }

  forward(x: Tensor): Tensor {
    const inner = this.conv2.forward(relu(this.bn1.forward(this.conv1.forward(x))));
    return relu(this.bn2.forward(inner).add(this.downsample?.forward(x) ?? x));
  }
}

function conv3x3(inChannels: number, outChannels: number, stride: number, options: LayerOptions): Conv2d {
  return new Conv2d(inChannels, outChannels, 3, { stride, padding: 1, bias: false, ...options });
}

function stage(
  blocks: number,
  inChannels: number,
  outChannels: number,
  stride: number,
  options: LayerOptions,
): Sequential {
  const first = new BasicBlock(inChannels, outChannels, stride, options);
  const others = Array.from({ length: blocks - 1 }, () => new BasicBlock(outChannels, outChannels, 1, options));
  return new Sequential(first, ...others);
}
