import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

const checkout = path.resolve(__dirname, "..");

/** What a variable is after tools/env.sh, in a shell that has these. */
function sourced(variable: string, environment: { [name: string]: string }, cwd = checkout): string {
    return execFileSync("sh", ["-c", `. ./tools/env.sh && printf %s "\${${variable}-not set}"`], {
        cwd,
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: "/nonexistent", PULUMI_BACKEND_URL: "file:///nowhere", ...environment },
    });
}

describe("tools/env.sh", () => {
    const ours = "127.0.0.1,localhost,registry.native-buildx.internal";

    it.each([
        ["nothing", {}, ours, ours],
        ["one name", { NO_PROXY: "corp.example" }, `corp.example,${ours}`, `corp.example,${ours}`],
        ["the other", { no_proxy: "corp.example" }, `corp.example,${ours}`, `corp.example,${ours}`],
        ["both", { NO_PROXY: "a.example", no_proxy: "b.example" }, `a.example,${ours}`, `b.example,${ours}`],
        ["ours", { NO_PROXY: ours, no_proxy: ours }, ours, ours],
        ["some of ours", { NO_PROXY: "localhost" }, `localhost,127.0.0.1,registry.native-buildx.internal`, undefined],
        ["everything", { NO_PROXY: "*" }, "*", "*"],
    ])("keeps proxies away from the loopback interface where NO_PROXY has %s", (_, given, upper, lower = upper) => {
        expect(sourced("NO_PROXY", given)).toBe(upper);
        expect(sourced("no_proxy", given)).toBe(lower);
    });

    it("lets Pulumi begin every build, unless a bound was chosen", () => {
        expect(Number(sourced("PULUMI_PARALLEL", {}))).toBeGreaterThan(500);
        expect(sourced("PULUMI_PARALLEL", { PULUMI_PARALLEL: "3" })).toBe("3");
    });

    it.each([
        ["nothing", {}, ""],
        ["a passphrase", { PULUMI_CONFIG_PASSPHRASE: "own" }, "own"],
        ["an empty one and a file", { PULUMI_CONFIG_PASSPHRASE: "", PULUMI_CONFIG_PASSPHRASE_FILE: "/own" }, ""],
        ["a file", { PULUMI_CONFIG_PASSPHRASE_FILE: "/own" }, "not set"],
    ])("gives Pulumi an empty passphrase only where it would have none: %s", (_, given, passphrase) => {
        expect(sourced("PULUMI_CONFIG_PASSPHRASE", given)).toBe(passphrase);
    });

    describe("and the backend", () => {
        let folder: string;
        const local = () => `file://${folder}/data/state`;
        beforeEach(() => {
            folder = temporaryFolder();
            mkdirSync(path.join(folder, "tools"));
            cpSync(path.join(__dirname, "env.sh"), path.join(folder, "tools/env.sh"));
            writeFileSync(path.join(folder, "Pulumi.yaml"), "name: native-buildx\n");
        });
        afterEach(() => rmSync(folder, { recursive: true }));

        const backend = (given: { [name: string]: string } = {}) =>
            sourced(
                "PULUMI_BACKEND_URL",
                { PULUMI_BACKEND_URL: "", NATIVE_BUILDX_HOME: path.join(folder, "data"), HOME: folder, ...given },
                folder,
            );

        it("is a folder on this machine", () => {
            expect(backend()).toBe(local());
        });

        it("is the chosen one: by a variable, an access token, the project's file", () => {
            expect(backend({ PULUMI_BACKEND_URL: "s3://own" })).toBe("s3://own");
            expect(backend({ PULUMI_ACCESS_TOKEN: "pul-1" })).toBe("not set");
            writeFileSync(path.join(folder, "Pulumi.yaml"), "name: native-buildx\nbackend: {url: s3://own}\n");
            expect(backend()).toBe("not set");
        });

        it("is the one of a login, also of one after this file was read", () => {
            mkdirSync(path.join(folder, ".pulumi"));
            writeFileSync(path.join(folder, ".pulumi/credentials.json"), '{"current": "s3://own"}');
            expect(backend()).toBe("not set");
            expect(backend({ PULUMI_BACKEND_URL: local() })).toBe("not set");
        });
    });
});
