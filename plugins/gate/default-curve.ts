import type { GainCurve } from "starling-ner";

/**
 * The mean of two fitted curves: one model of Twitter-2015 and one of Twitter-2017 on the valid posts of its set, before
 * and after PGIM's recorded answers. docs/gate.md tells how to fit one's own.
 */
export const defaultCurve: GainCurve = {
  doubts: [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 1.8],
  gains: [-0.21, -0.01, 0.5, 1.15, 2.19, 3.17, 4.95, 5.63, 5.64],
  spread: [
    0.004, 0.039, 0.052, 0.067, 0.081, 0.097, 0.116, 0.138, 0.162, 0.194, 0.243, 0.297, 0.365, 0.431, 0.51, 0.581,
    0.665, 0.775, 0.9, 1.143, 2.992,
  ],
};
