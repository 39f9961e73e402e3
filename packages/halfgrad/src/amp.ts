export * from '@halfgrad/amp';
