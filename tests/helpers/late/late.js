// In place of modules that Pulumi's SDK loads and these tests do not use (jest.config.js): most of the processor time of loading
// the SDK, in each file of tests, as in provider/lateModules.js. Whoever uses one after all gets it.
const path = require("node:path");

exports.late = (name) =>
    new Proxy(
        {},
        {
            get(_target, property) {
                if (property === "__esModule") {
                    return true;
                }
                // By its path, which is not mapped to this again.
                const loaded = require(path.join(__dirname, "../../../node_modules", name));
                return property === "default" && !loaded.__esModule ? loaded : loaded[property];
            },
        },
    );
