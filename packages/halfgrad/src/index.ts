import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice } from '@halfgrad/core';

setDefaultDevice(cpu);

export * from '@halfgrad/core';
export { cpu };
