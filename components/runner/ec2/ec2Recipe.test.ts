import { readFileSync } from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import { shells, Workbench } from "../../../tests/helpers/workbench";
import { knownPlatforms } from "../../architecture";
import { emulatedMachines, toolchainRecipe } from "../emulation/recipe";
import { recipeParts, renderRecipe } from "./ec2Recipe";
import { filesOf } from "./machine/runnerBench";
import { runnerPaths } from "./runnerPaths";

const recipeOf = (machines: readonly string[]) => renderRecipe(runnerPaths.toolchainRecipe, toolchainRecipe(machines));
const rowsOf = (table: string, machine: string) => table.split("\n").filter((row) => row.startsWith(`${machine}\t`));

describe("the recipe of native compilers", () => {
    it("fits into a few parameters, as text, and is put together again", () => {
        const script = recipeOf(emulatedMachines(knownPlatforms));
        const parts = recipeParts(script);
        expect(parts.length).toBeLessThan(8);
        for (const part of parts) {
            expect(part).toMatch(/^[A-Za-z0-9+/=]{1,4096}$/);
        }
        expect(gunzipSync(Buffer.from(parts.join(""), "base64")).toString()).toBe(script);
    });

    it("has the twins of the machines that the runner emulates, and no others", () => {
        const all = readFileSync(path.join(__dirname, "../emulation/twins.tsv"), "utf8");
        expect(rowsOf(all, "aarch64").length).toBeGreaterThan(3);
        for (const machine of ["aarch64", "x86_64"]) {
            const table = filesOf(recipeOf([machine]))[`${runnerPaths.toolchainRecipe}/twins.tsv`] ?? "";
            for (const other of emulatedMachines(knownPlatforms)) {
                expect(rowsOf(table, other)).toEqual(other === machine ? rowsOf(all, other) : []);
            }
        }
    });

    it("says in C what it says with comments", () => {
        const source = filesOf(recipeOf(["aarch64"]))[`${runnerPaths.toolchainRecipe}/dispatcher.c`] ?? "";
        expect(source).toContain("#define _GNU_SOURCE\n");
        expect(source).not.toContain("/*");
    });

    it.each(shells)("is a script that %s can read, as is each script in it", async (_name, shell) => {
        const bench = new Workbench();
        const script = recipeOf(["aarch64"]);
        const scripts = Object.entries(filesOf(script)).filter(([name]) => name.endsWith(".sh"));
        expect(scripts.map(([name]) => path.basename(name))).toContain("makeToolchain.sh");
        for (const [name, text] of [["recipe", script] as const, ...scripts]) {
            const result = await bench.run([...shell, "-n", bench.write(path.basename(name), text)]);
            expect({ name, ...result }).toEqual({ name, status: 0, stdout: "", stderr: "" });
        }
        bench.dispose();
    });
});
