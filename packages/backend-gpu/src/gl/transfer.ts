import type { HostData } from '@halfgrad/core';
import type { TextureFormat } from './format.ts';
import type { Texture } from './texture.ts';

/** Uploads disturb this unit only; gpu.js numbers the units of a kernel's arguments from 0. */
const transferUnit = 15;

/** Allocates storage for a new texture and leaves it bound. */
export function createGlTexture(
  gl: WebGL2RenderingContext,
  { internal }: TextureFormat,
  width: number,
  height: number,
): WebGLTexture {
  const texture = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + transferUnit);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl[internal], width, height);
  return texture;
}

/** Writes elements to the texture that is bound: its full rows, then the rest of the last one. */
export function writeTexels(gl: WebGL2RenderingContext, { format, extent: [width] }: Texture, data: HostData): void {
  const texels = asTexels(data, format);
  const { channels, pixels, type } = format;
  const count = texels.length / channels;
  const rows = Math.floor(count / width);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  const write = (y: number, w: number, h: number, from: number): void => {
    if (w * h === 0) return;
    const part = texels.subarray(from * channels, (from + w * h) * channels);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, y, w, h, gl[pixels], gl[type], part);
  };
  write(0, width, rows, 0);
  write(rows, count - rows * width, 1, rows * width);
}

/** Reads elements of the texture attached to the framebuffer that is bound, waiting for the GPU. */
export function readTexels<T extends HostData>(gl: WebGL2RenderingContext, source: Texture, into: T): void {
  const { format } = source;
  const [width, height] = source.extent;
  const tight = gl.getParameter(gl.IMPLEMENTATION_COLOR_READ_FORMAT) === gl[format.pixels];
  const stride = tight ? format.channels : 4;
  const length = width * height * stride;
  const texels = format.type === 'FLOAT' ? new Float32Array(length) : new Uint8Array(length);
  gl.pixelStorei(gl.PACK_ALIGNMENT, 1);
  // RGBA is what every implementation reads; the format of the texture itself is a quarter or half of the bytes.
  gl.readPixels(0, 0, width, height, tight ? gl[format.pixels] : gl.RGBA, gl[format.type], texels);
  const target = asTexels(into, format);
  if (stride === format.channels) {
    target.set(texels.subarray(0, target.length));
    return;
  }
  for (let i = 0; i < target.length; i++) {
    target[i] = texels[Math.floor(i / format.channels) * stride + (i % format.channels)]!;
  }
}

/** The same memory as numbers, or as bytes, one or several per texel. */
function asTexels(data: HostData, { type }: TextureFormat): Float32Array | Uint8Array {
  if (type === 'FLOAT') return data as Float32Array;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
