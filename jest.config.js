// The AWS SDK of the tests will want Node 22 some day; what runs here is what package-lock.json pins.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

// In a pod of a cluster, as many CI jobs are, the tests are to find none but their own. KUBERNETES_PROGRAMS and KUBERNETES_IMAGES stay.
for (const name of Object.keys(process.env).filter((name) => /^KUBERNETES_(SERVICE|PORT)(_|$)/.test(name))) {
    delete process.env[name];
}

/** @type {import("jest").Config} */
module.exports = {
    testEnvironment: "node",
    transform: { "\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }] },
    roots: ["bench", "components", "configuration", "examples", "packages", "provider", "tests", "tools"].map(
        (folder) => `<rootDir>/${folder}`,
    ),
    testMatch: ["**/*.test.ts"],
    testSequencer: "<rootDir>/tests/longestFirst.js",
    // That a test ends, and not how fast: machines differ, and this many files at a time make each wait for the others.
    testTimeout: 60_000,
    moduleNameMapper: {
        "^typescript$": "<rootDir>/tests/helpers/late/typescript.js",
        "^@npmcli/arborist$": "<rootDir>/tests/helpers/late/arborist.js",
    },
    modulePathIgnorePatterns: ["<rootDir>/tools/bin/"],
};
