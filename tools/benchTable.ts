// Writes the figures of the last `make bench`, bench/results/latest.json, into docs/figures.md; those of emulation into
// docs/emulation.json, and from there into the page and the chart docs/emulation.svg. Where there was no `make bench`, it
// renews what follows from docs/emulation.json:
//
//     npx tsx tools/benchTable.ts
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { emulationChart, emulationTables, split } from "../bench/emulationFigures";
import { markdownTable, type Results } from "../bench/figures";
import { pageWith, write } from "./configurationTable";

const page = "docs/figures.md";
const committed = "docs/emulation.json";

/** None where there is no such file: the figures of emulation are committed once they were measured. */
function resultsIn(file: string): Results | undefined {
    const found = path.join(__dirname, "..", file);
    return existsSync(found) ? (JSON.parse(readFileSync(found, "utf8")) as Results) : undefined;
}

/** The files, as they should be. */
export function renewedFigures(latest?: Results): { [file: string]: string } {
    const measured = latest ? split(latest) : {};
    const emulation = measured.emulation ?? resultsIn(committed);
    return {
        [page]: pageWith(page, {
            ...(measured.others && { bench: markdownTable(measured.others) }),
            ...(emulation && { emulation: emulationTables(emulation) }),
        }),
        ...(emulation && {
            [committed]: `${JSON.stringify(emulation, undefined, 2)}\n`,
            "docs/emulation.svg": emulationChart(emulation),
        }),
    };
}

if (require.main === module) {
    write(renewedFigures(resultsIn("bench/results/latest.json")));
}
