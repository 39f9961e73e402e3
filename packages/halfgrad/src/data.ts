export * from '@halfgrad/data';
