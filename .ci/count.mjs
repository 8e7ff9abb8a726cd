// Prints `N passed, N failed` from vitest's JSON report; a step of .ci/run that failed counts as one failed test.
//   node .ci/count.mjs REPORT FAILED_STEPS EXIT_CODE_OF_VITEST
import { existsSync, readFileSync } from "node:fs";

const [file, steps, status] = process.argv.slice(2);
const report = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : { testResults: [], numPassedTests: 0, numFailedTests: 0 };
// A file that cannot be imported fails without any test of its own.
const broken = report.testResults.filter(
  (one) => one.status === "failed" && one.assertionResults.every(({ status }) => status !== "failed"),
);
const counted = report.numFailedTests + broken.length + Number(steps);
// vitest also fails for what belongs to no test, such as an error that nobody caught, or no tests at all.
const failed = counted === 0 && (status !== "0" || report.numPassedTests === 0) ? 1 : counted;
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${report.numPassedTests} passed, ${failed} failed`);
