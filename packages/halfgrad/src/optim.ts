export * from '@halfgrad/optim';
