import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice } from '@halfgrad/core';

setDefaultDevice(cpu);

export * from '@halfgrad/core';
export { type DeviceName, type DeviceReport, deviceNames, examineDevices, openDevice } from './devices.ts';
export { cpu };
