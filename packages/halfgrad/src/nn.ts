export * from '@halfgrad/nn';
