import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

const checkout = path.join(__dirname, "..");

/** What a program prints that runs as Pulumi's own Node host runs it. */
function printedBy(program: string, env: { [name: string]: string } = {}): string {
    const { runtime } = parse(readFileSync(path.join(checkout, "Pulumi.yaml"), "utf8"));
    const words = [...runtime.options.nodeargs.split(" "), "--eval", program];
    return execFileSync(process.execPath, words, { cwd: checkout, encoding: "utf8", env: { ...process.env, ...env } });
}

const loaded =
    "Object.keys(require.cache).filter((file) => /node_modules.(typescript|@npmcli.arborist|semver|js-yaml)./.test(file)).length";

describe("what the SDK has for other programs", () => {
    it("is not loaded by a program that has no use for it", () => {
        expect(printedBy(`require("@pulumi/pulumi"); console.log(${loaded})`)).toBe("0\n");
    });

    it("is loaded, and works, where a function is sent elsewhere", () => {
        const program = `
            const pulumi = require("@pulumi/pulumi");
            const seven = 7;
            pulumi.runtime.serializeFunction(() => seven * 6).then(({ text }) => {
                const ofSdk = require("node:module").createRequire(require.resolve("@pulumi/pulumi"));
                console.log(text.includes("seven * 6"), ofSdk("@npmcli/arborist").Arborist.name, ${loaded} > 0);
            });`;
        expect(printedBy(program)).toBe("true Arborist true\n");
    });

    it("is loaded, and works, where versions are compared, packages are read and Pulumi is driven from a program", () => {
        const program = `
            const pulumi = require("@pulumi/pulumi");
            const { getResourceModule } = require("@pulumi/pulumi/runtime/rpc");
            for (const version of ["1.2.3", "1.10.0", "2.0.0"]) {
                pulumi.runtime.registerResourceModule("a", "b", { version });
            }
            const ofSdk = require("node:module").createRequire(require.resolve("@pulumi/pulumi"));
            const read = { name: "a", version: "v1.0.0" };
            ofSdk("normalize-package-data").default(read);
            const newest = getResourceModule("a", "b", "1.2.0").version;
            console.log(newest, read.version, pulumi.automation.LocalWorkspace.name);`;
        expect(printedBy(program)).toBe("1.10.0 1.0.0 LocalWorkspace\n");
    });
});

describe("the stack traces of the SDK's promises", () => {
    const program = `
        const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
        const promise = Promise.resolve(1);
        function makesIt() { return debuggablePromise(promise, "of a test"); }
        makesIt().then((one) => {
            const error = new Error("a mistake of the program");
            console.log(one, promise._debugCtx, /makesIt/.test(promise._debugStackTrace), / at /.test(error.stack));
        });`;

    it("are not written down, and those of errors are as ever", () => {
        expect(printedBy(`require("@pulumi/pulumi"); ${program}`)).toBe("1 of a test false true\n");
    });

    it("are, where somebody looks for promises that are never kept", () => {
        const env = { PULUMI_DEBUG_PROMISE_LEAKS: "1" };
        expect(printedBy(`require("@pulumi/pulumi"); ${program}`, env)).toBe("1 of a test true true\n");
    });
});
