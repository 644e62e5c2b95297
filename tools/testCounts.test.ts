import { countsLine } from "./testCounts";

const none = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: 0,
};

it.each([
    [[{ ...none, numPassedTests: 3 }], "3 passed, 0 failed"],
    [
        [
            { ...none, numPassedTests: 3 },
            { ...none, numPassedTests: 2, numFailedTests: 1 },
        ],
        "5 passed, 1 failed",
    ],
    [[{ ...none, numPassedTests: 1, numPendingTests: 2, numTodoTests: 1 }], "1 passed, 0 failed, 3 skipped"],
    // A file that does not even load has failed.
    [[{ ...none, numRuntimeErrorTestSuites: 1 }], "0 passed, 1 failed"],
])("sums %j to %s", (results, line) => {
    expect(countsLine(results)).toBe(line);
});
