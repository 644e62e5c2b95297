import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { barChart, type Results, ratiosOf } from "./figures";

/**
 * Writes latest.json and latest.svg. What was not measured this time stays as it was, if it was measured on this machine.
 *
 * @param folder bench/results
 */
export function writeResults(folder: string, measured: Results): void {
    const file = path.join(folder, "latest.json");
    const before = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : undefined;
    const seconds = { ...(before?.machine === measured.machine ? before.seconds : {}), ...measured.seconds };
    const results = { ...measured, seconds, ratios: ratiosOf(seconds) };
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
    writeFileSync(path.join(folder, "latest.svg"), barChart(results));
}
