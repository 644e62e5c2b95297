// Preloaded into the Node processes of the program and the provider: see "nodeargs" in Pulumi.yaml, and tools/node-host.
// Pulumi's SDK loads a compiler and a part of npm, which it needs for functions that are sent elsewhere, what drives Pulumi
// from a program, and what compares versions. A program like this one uses none of them. They are most of the processor time
// that loading the SDK takes, at every `up`: here they are loaded when they are used. And it writes down a stack trace for each
// promise, which it shows when it is told to look for those that are never kept: here they are written only then.

const Module = require("node:module");

const late = new Set(["typescript", "@npmcli/arborist", "normalize-package-data", "semver", "./automation"]);
const sdk = /[\\/]node_modules[\\/]@pulumi[\\/]pulumi[\\/]/;

const load = Module._load;
Module._load = function (...words) {
    const [name, parent] = words;
    const loadNow = () => load.apply(this, words);
    const isOfSdk = () => sdk.test(parent?.filename ?? "");
    if (late.has(name) && isOfSdk()) {
        return standIn(loadNow);
    }
    return name.endsWith("/debuggable") && isOfSdk() ? untraced(loadNow()) : loadNow();
};

const known = new WeakSet();

/** The SDK's module `runtime/debuggable`, without the traces. */
function untraced(module) {
    const { debuggablePromise, debugPromiseLeaks } = module;
    if (debuggablePromise && !debugPromiseLeaks && !known.has(module)) {
        known.add(module);
        module.debuggablePromise = (promise, context) => {
            const { stackTraceLimit } = Error;
            Error.stackTraceLimit = 0;
            try {
                return debuggablePromise(promise, context);
            } finally {
                Error.stackTraceLimit = stackTraceLimit;
            }
        };
    }
    return module;
}

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
