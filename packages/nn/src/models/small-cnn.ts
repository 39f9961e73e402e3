import { maxPool2d, relu, type Tensor } from '@halfgrad/core';
import { BatchNorm2d } from '../layers/batch-norm.ts';
import { Conv2d } from '../layers/conv.ts';
import { Linear } from '../layers/linear.ts';
import type { LayerOptions } from '../layers/options.ts';
import { Module } from '../module.ts';

export interface SmallCnnOptions extends LayerOptions {
  readonly inChannels?: number;
  /** Height and width of the images. */
  readonly imageSize?: number;
  readonly classes?: number;
  /** Channels of the first convolution; the second has twice as many. */
  readonly width?: number;
}

/** Two 3×3 convolutions, each with batch norm, rectifier and 2×2 pooling, and a linear classifier. */
export class SmallCnn extends Module {
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly fc: Linear;

  constructor({ inChannels = 3, imageSize = 32, classes = 10, width = 16, ...options }: SmallCnnOptions = {}) {
    super();
    this.conv1 = new Conv2d(inChannels, width, 3, { padding: 1, bias: false, ...options });
    this.bn1 = new BatchNorm2d(width, options);
    this.conv2 = new Conv2d(width, 2 * width, 3, { padding: 1, bias: false, ...options });
    this.bn2 = new BatchNorm2d(2 * width, options);
    this.fc = new Linear(2 * width * Math.floor(imageSize / 4) ** 2, classes, options);
  }

  forward(images: Tensor): Tensor {
    const first = maxPool2d(relu(this.bn1.forward(this.conv1.forward(images))), 2);
    const second = maxPool2d(relu(this.bn2.forward(this.conv2.forward(first))), 2);
    return this.fc.forward(second.flatten(1));
  }
}
