import { TensorError } from '@halfgrad/core';

/**
 * What gpu.js sees of a canvas: somewhere to ask for the context.
 *
 * It writes the largest texture size into width and height; on a real canvas that would allocate a drawing buffer as
 * large, which nothing is ever drawn to.
 */
export interface Canvas {
  width: number;
  height: number;
  getContext(type: string): WebGL2RenderingContext;
}

/** A WebGL 2 context of the page or worker, or in Node one of the optional package `gl`. */
export async function openContext(): Promise<WebGL2RenderingContext> {
  const gl = isNode() ? await openHeadless() : openInBrowser();
  if (!gl.getExtension('EXT_color_buffer_float')) {
    throw new TensorError('unsupported', 'gpu: this WebGL 2 cannot render to float32 textures. Use the cpu device.');
  }
  return gl;
}

export function canvasOf(gl: WebGL2RenderingContext): Canvas {
  return { width: 1, height: 1, getContext: () => gl };
}

const attributes: WebGLContextAttributes = {
  alpha: false,
  antialias: false,
  depth: false,
  powerPreference: 'high-performance',
  preserveDrawingBuffer: false,
};

function openInBrowser(): WebGL2RenderingContext {
  const canvas = typeof OffscreenCanvas === 'undefined' ? document.createElement('canvas') : new OffscreenCanvas(1, 1);
  const gl = canvas.getContext('webgl2', attributes) as WebGL2RenderingContext | null;
  if (!gl) {
    throw new TensorError(
      'unsupported',
      'gpu: this browser gives no WebGL 2 context. Enable hardware acceleration, or use the cpu device.',
    );
  }
  return gl;
}

/** Kept out of the browser's bundle: bundlers follow only literal import specifiers. */
const headlessPackage = 'gl';

async function openHeadless(): Promise<WebGL2RenderingContext> {
  const createContext = await import(/* @vite-ignore */ headlessPackage).then(
    (module: HeadlessModule) => module.default,
    (cause: unknown) => {
      throw new TensorError(
        'unsupported',
        'gpu: Node has no WebGL of its own, and the optional package gl could not be loaded. Use npm install gl@9.0.0-rc.10.',
        { cause },
      );
    },
  );
  const gl = createContext(1, 1, { ...attributes, createWebGL2Context: true });
  if (!gl) {
    throw new TensorError(
      'unsupported',
      'gpu: gl found no display to create a WebGL 2 context on. Start Node under an X server: xvfb-run -a node ….',
    );
  }
  return gl;
}

interface HeadlessModule {
  readonly default: (
    width: number,
    height: number,
    options: WebGLContextAttributes & { createWebGL2Context: true },
  ) => WebGL2RenderingContext | null;
}

function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined && typeof document === 'undefined';
}
