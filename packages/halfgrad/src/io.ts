export * from '@halfgrad/io';
