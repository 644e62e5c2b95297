import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

const numbers = ["8", "9", "10", "11"];

describe("claim.sh", () => {
    let folder: string;
    beforeEach(() => {
        folder = mkdtempSync(path.join(tmpdir(), "nbx-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const words = ["claims.lock", path.join(__dirname, "claim.sh"), String(process.pid), ...numbers];
    const claim = async () => (await promisify(execFile)("flock", words, { cwd: folder })).stdout;

    it("gives each of many one slot, also where all find the claims of dead processes", async () => {
        const dead = String(spawnSync("true").pid);
        for (const number of numbers) {
            writeFileSync(path.join(folder, `claim-${number}`), dead);
        }
        const claimed = await Promise.all(numbers.map(claim));
        expect(claimed.sort()).toEqual(numbers.map((number) => `${number}\n`).sort());
        expect(readFileSync(path.join(folder, "claim-8"), "utf8")).toBe(String(process.pid));
    });

    it("gives nobody the slot of a process that lives", async () => {
        await Promise.all(numbers.map(claim));
        await expect(claim()).rejects.toMatchObject({ code: 1 });
    });
});
