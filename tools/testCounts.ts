// The counts of the last test run, in one line: N passed, N failed, N skipped. Files of results are the arguments.
import { readFileSync } from "node:fs";

/** What jest writes with --json, as far as it matters here. */
export interface Counts {
    numPassedTests: number;
    numFailedTests: number;
    /** Skipped. */
    numPendingTests: number;
    numTodoTests: number;
    /** Files that failed before a test of theirs began. */
    numRuntimeErrorTestSuites: number;
}

export function countsLine(results: Counts[]): string {
    const sum = (count: (result: Counts) => number) => results.reduce((total, result) => total + count(result), 0);
    const passed = sum((result) => result.numPassedTests);
    const failed = sum((result) => result.numFailedTests + result.numRuntimeErrorTestSuites);
    const skipped = sum((result) => result.numPendingTests + result.numTodoTests);
    return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

if (require.main === module) {
    const results = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")) as Counts);
    console.log(countsLine(results));
}
