import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";

// The package itself is tests/e2e/package.test.ts's.
describe("tools/package.sh", () => {
    it("fails where git does not say what belongs to the project, as in an unpacked archive", () => {
        const folder = temporaryFolder();
        mkdirSync(path.join(folder, "tools"));
        mkdirSync(path.join(folder, "node_modules/.bin"), { recursive: true });
        cpSync(path.join(__dirname, "package.sh"), path.join(folder, "tools/package.sh"));
        writeFileSync(path.join(folder, "node_modules/.bin/tsc"), "#!/bin/sh\n", { mode: 0o755 });
        const { status, stderr } = spawnSync("sh", [path.join(folder, "tools/package.sh")], { encoding: "utf8" });
        expect(status).not.toBe(0);
        expect(stderr).toMatch(/not a git repository/);
        rmSync(folder, { recursive: true });
    });
});
