export * from '@halfgrad/metrics';
