import { readFileSync } from "node:fs";
import * as os from "node:os";

/** @throws Error if it is not a number from 1 */
export function numberOfRuns(text: string): number {
    const runs = Number(text);
    if (!Number.isInteger(runs) || runs < 1) {
        throw new Error(`BENCH_RUNS: must be a whole number of at least 1, not "${text}"`);
    }
    return runs;
}

/**
 * Those of `all` that a variable of the environment names, in their order. @default all
 *
 * @throws Error if it names none, or another
 */
export function chosen(variable: string, names: string | undefined, all: string[]): string[] {
    const wanted = names?.split(/[ ,]+/).filter(Boolean) ?? all;
    const unknown = wanted.filter((name) => !all.includes(name));
    if (wanted.length === 0 || unknown.length > 0) {
        throw new Error(`${variable}: must be some of ${all.join(", ")}, not "${names}"`);
    }
    return all.filter((name) => wanted.includes(name));
}

/** Processors, memory and system, in words. */
export function machine(): string {
    const model = os.cpus()[0]?.model.trim() ?? process.arch;
    const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? os.type();
    return `${os.cpus().length} x ${model} (${process.arch}), ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${system}`;
}
