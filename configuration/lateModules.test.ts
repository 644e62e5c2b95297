import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";

const checkout = path.join(__dirname, "..");

/** What a program prints that runs as Pulumi's own Node host runs it. */
function printedBy(program: string): string {
    const { runtime } = parse(readFileSync(path.join(checkout, "Pulumi.yaml"), "utf8"));
    const words = [...runtime.options.nodeargs.split(" "), "--eval", program];
    return execFileSync(process.execPath, words, { cwd: checkout, encoding: "utf8" });
}

const loaded =
    "Object.keys(require.cache).filter((file) => /node_modules.(typescript|@npmcli.arborist)./.test(file)).length";

describe("the SDK's compiler and npm", () => {
    it("are not loaded by a program that has no use for them", () => {
        expect(printedBy(`require("@pulumi/pulumi"); console.log(${loaded})`)).toBe("0\n");
    });

    it("are loaded, and work, where a function is sent elsewhere", () => {
        const program = `
            const pulumi = require("@pulumi/pulumi");
            const seven = 7;
            pulumi.runtime.serializeFunction(() => seven * 6).then(({ text }) => {
                const ofSdk = require("node:module").createRequire(require.resolve("@pulumi/pulumi"));
                console.log(text.includes("seven * 6"), ofSdk("@npmcli/arborist").Arborist.name, ${loaded} > 0);
            });`;
        expect(printedBy(program)).toBe("true Arborist true\n");
    });
});
