import type { TextureFormat } from './format.ts';

/** Width and height in texels. */
export type Extent = readonly [width: number, height: number];

/**
 * A texture of this device.
 *
 * The fields after `format` are what gpu.js reads of a kernel's argument, and of the texture it renders to.
 */
export class Texture {
  readonly texture: WebGLTexture;
  readonly format: TextureFormat;
  readonly context: WebGL2RenderingContext;
  readonly type = 'NumberTexture';
  readonly size: Int32Array;
  /** Arrives in shaders as `user_<name>Dim`: the exponent of the width, and the width − 1. */
  readonly dimensions: Int32Array;

  constructor(context: WebGL2RenderingContext, texture: WebGLTexture, format: TextureFormat, [width, height]: Extent) {
    this.context = context;
    this.texture = texture;
    this.format = format;
    this.size = Int32Array.of(width, height);
    this.dimensions = Int32Array.of(31 - Math.clz32(width), width - 1, 1);
  }

  get bytes(): number {
    const [width, height] = this.extent;
    return width * height * this.format.bytes;
  }

  get extent(): Extent {
    return [this.size[0]!, this.size[1]!];
  }

  /** gpu.js asks this before it renders; true makes it attach this texture in place of the last one. */
  beforeMutate(): boolean {
    return true;
  }
}

/**
 * The texture that holds `count` elements in rows: element i is texel (i mod width, ⌊i / width⌋).
 *
 * The width is the power of two that makes it nearly square, so that shaders split an index with a mask and a shift, and
 * tensors of the same size have the same layout.
 */
export function extentOf(count: number): Extent {
  const width = 2 ** Math.ceil(Math.log2(Math.max(count, 1)) / 2);
  return [width, Math.max(Math.ceil(count / width), 1)];
}
