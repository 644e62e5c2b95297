// In place of modules that Pulumi's SDK loads and these tests do not use (jest.config.js): most of the processor time of loading
// the SDK, in each file of tests. Whoever uses one after all gets it.
const path = require("node:path");
const { standIn } = require("../../../provider/leanSdk");

// By its path, which is not mapped to this again.
exports.late = (name) => standIn(() => require(path.join(__dirname, "../../../node_modules", name)));
