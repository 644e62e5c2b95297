import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { knownPlatforms, machineOf, type Platform } from "../../architecture";
import { withoutComments } from "../../shell";

/** The machines of these platforms, as QEMU names them, whose compilers run natively where they are emulated. */
export function emulatedMachines(platforms: readonly Platform[], nativeCompilers = true): string[] {
    return nativeCompilers ? platforms.map(machineOf) : [];
}

/** What the runner itself reads, apart from the recipe. */
const ofTheRunner = ["emulation.sh"];

/** The files of which makeToolchain.sh makes the toolchains of these machines, by their names, short: no comments, no other machine's twins. */
export function toolchainRecipe(machines: readonly string[]): { [name: string]: string } {
    const names = sourcesIn(__dirname).filter((name) => !ofTheRunner.includes(name));
    return recipeOf(__dirname, names, (table) => rowsOf(table, machines));
}

/** The names of the files in a folder that a recipe may be of: no TypeScript. */
export function sourcesIn(folder: string): string[] {
    return readdirSync(folder)
        .filter((name) => /\.(sh|c|h|tsv)$/.test(name))
        .sort();
}

/**
 * The text of files by their names, without comments.
 *
 * @param shorten what is left of a table
 */
export function recipeOf(
    folder: string,
    names: readonly string[],
    shorten: (table: string) => string = (table) => table,
): { [name: string]: string } {
    return Object.fromEntries(
        names.map((name) => {
            const text = readFileSync(path.join(folder, name), "utf8");
            return [name, /\.[ch]$/.test(name) ? withoutBlockComments(text) : withoutComments(shorten(text))];
        }),
    );
}

/** Of a table, the rows that are about these machines, or about none. */
function rowsOf(text: string, machines: readonly string[]): string {
    const others = emulatedMachines(knownPlatforms).filter((machine) => !machines.includes(machine));
    return text.replace(new RegExp(`^(machine\t)?(${others.join("|")})\t.*\n`, "gm"), "");
}

/** C without comments and blank lines. */
function withoutBlockComments(source: string): string {
    return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^[ \t]*\n/gm, "");
}
