export {
  type ClassificationReport,
  classificationReport,
  formatClassificationReport,
} from './classification-report.ts';
export { accuracy, type ConfusionMatrix, confusionMatrix, correctness } from './confusion-matrix.ts';
export { type Bar, examplesNeeded, type Judgement, judge } from './judge.ts';
export { type McNemarResult, mcNemar } from './mcnemar.ts';
export type { Outcomes } from './paired-counts.ts';
export { type Estimate, exactly, pairedDifference } from './paired-difference.ts';
export {
  type Average,
  averageScores,
  type ClassScores,
  classScores,
  f1,
  precision,
  recall,
  type Scores,
} from './scores.ts';
