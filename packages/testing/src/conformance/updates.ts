import type { Device } from '@halfgrad/core';

export function describeUpdates(_device: Device): void {}
