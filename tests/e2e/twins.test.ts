import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { describeUnless, hasOwnRegistrations } from "../helpers/needs";

jest.setTimeout(900_000);

function notHere(): string | undefined {
    if (process.arch !== "x64" || process.getuid?.() !== 0) {
        return "the compilers that are compared are those of arm64, emulated on x86, by root";
    }
    if (!hasOwnRegistrations()) {
        return "Linux is older than 6.7: a test has no registrations of its own in binfmt_misc";
    }
    return existsSync("/proc/sys/fs/binfmt_misc/qemu-aarch64")
        ? undefined
        : "QEMU is not registered for arm64: run tools/setup.sh as root";
}

const tableFile = path.join(checkout, "components/runner/emulation/twins.tsv");
const words = (text: string) =>
    text
        .trim()
        .split("\n")
        .map((line) => line.split("\t"));

describeUnless(notHere())("compilers of Debian 13", () => {
    it("do what their twins do, file by file, and have their rows made by a command", () => {
        const run = spawnSync("sh", ["tools/twins.sh", "trixie", "aarch64", "rows", "sample"], {
            cwd: checkout,
            encoding: "utf8",
        });
        expect(run.stderr).toMatch(/\d+ files, \d+ of them objects: \d+ differ, 0 in more than the compiler's mark/);
        expect(run.status).toBe(0);
        const rows = words(run.stdout);
        expect(rows.map(([, , program]) => program)).toEqual(["cc1", "cc1plus", "lto1", "as", "gcc", "g++"]);
        // Of another version where the release has a newer package than the table.
        const table = words(readFileSync(tableFile, "utf8"));
        for (const row of rows) {
            const known = table.find((columns) => columns.slice(0, 3).join() === row.slice(0, 3).join());
            if (known?.[4] === row[4]) {
                expect(row).toEqual(known);
            }
        }
    });
});
