import { execFileSync } from "node:child_process";
import * as path from "node:path";

const checkout = path.resolve(__dirname, "..");

/** What a variable is after tools/env.sh, in a shell that has these. */
function sourced(variable: string, environment: { [name: string]: string }): string {
    return execFileSync("sh", ["-c", `. ./tools/env.sh && printf %s "$${variable}"`], {
        cwd: checkout,
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
});
