import { cpu } from '@halfgrad/backend-cpu';
import { ones, TensorError } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { openGpu } from './index.ts';

describe('a lost context', () => {
  test('makes every use of the device an error, and no other device; another one can be opened', async () => {
    const loseContext = watchContexts();
    const gpu = await openGpu();
    const x = ones([4], { device: gpu });
    expect(Array.from(await x.data())).toEqual([1, 1, 1, 1]);

    loseContext();
    const lost = expect.objectContaining({ code: 'device-lost', message: expect.stringContaining('Open the device') });
    expect(() => x.add(1)).toThrowError(TensorError);
    expect(() => x.add(1)).toThrowError(lost);
    expect(() => ones([4], { device: gpu })).toThrowError(lost);
    await expect(x.data()).rejects.toEqual(lost);
    x.dispose();

    expect(Array.from(await ones([2], { device: cpu }).add(1).data())).toEqual([2, 2]);
    const again = await openGpu();
    expect(again).not.toBe(gpu);
    expect(Array.from(await ones([2], { device: again }).add(1).data())).toEqual([2, 2]);
  });
});

/** Returns the way to lose the context that is created next. */
function watchContexts(): () => void {
  const { getContext } = OffscreenCanvas.prototype;
  let created: WebGL2RenderingContext | undefined;
  OffscreenCanvas.prototype.getContext = function (this: OffscreenCanvas, ...args: Parameters<typeof getContext>) {
    const context = getContext.apply(this, args);
    if (context instanceof WebGL2RenderingContext) created = context;
    return context;
  } as typeof getContext;
  return () => created?.getExtension('WEBGL_lose_context')?.loseContext();
}
