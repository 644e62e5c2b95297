// Preloaded into the Node processes of the program and the provider: see "nodeargs" in Pulumi.yaml, and tools/node-host.
// Pulumi's SDK loads a compiler and a part of npm, which it needs for functions that are sent elsewhere, what drives Pulumi
// from a program, and what compares versions. A program like this one uses none of them. They are most of the processor time
// that loading the SDK takes, at every `up`: here they are loaded when they are used.

const Module = require("node:module");

const late = new Set(["typescript", "@npmcli/arborist", "normalize-package-data", "semver", "./automation"]);
const sdk = /[\\/]node_modules[\\/]@pulumi[\\/]pulumi[\\/]/;

const load = Module._load;
Module._load = function (...words) {
    const [name, parent] = words;
    const loadNow = () => load.apply(this, words);
    return late.has(name) && sdk.test(parent?.filename ?? "") ? standIn(loadNow) : loadNow();
};

/** A module that is loaded when something of it is used. */
function standIn(loadNow) {
    let loaded;
    const get = (_target, property) => {
        // What TypeScript's `import * as` looks at: all else of a module that says so is left for later.
        if (property === "__esModule") {
            return true;
        }
        loaded ??= loadNow();
        return property === "default" && !loaded.__esModule ? loaded : loaded[property];
    };
    return new Proxy({}, { get });
}

// For the tests, which load the SDK in another way.
exports.standIn = standIn;
