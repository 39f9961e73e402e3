import { type InterpolateOptions, interpolate, pixelShuffle, pixelUnshuffle, type Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';

/** `[N, C, …]` at another resolution (`torch.nn.Upsample`). */
export class Upsample extends Module {
  readonly options: InterpolateOptions;

  constructor(options: InterpolateOptions) {
    super();
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}

/** Channels as pixels: `[…, C · r², H, W]` to `[…, C, H · r, W · r]` (`torch.nn.PixelShuffle`). */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number;

  constructor(upscaleFactor: number) {
    super();
    this.upscaleFactor = upscaleFactor;
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }
}

/** The way back from `PixelShuffle` (`torch.nn.PixelUnshuffle`). */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number;

  constructor(downscaleFactor: number) {
    super();
    this.downscaleFactor = downscaleFactor;
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.downscaleFactor);
  }
}
