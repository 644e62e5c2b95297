// Writes the figures of the last `make bench`, bench/results/latest.json, into docs/figures.md:
//
//     npx tsx tools/benchTable.ts
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { markdownTable, type Results } from "../bench/figures";
import { pageWith, write } from "./configurationTable";

const page = "docs/figures.md";
const results = JSON.parse(readFileSync(path.join(__dirname, "../bench/results/latest.json"), "utf8")) as Results;
write({ [page]: pageWith(page, { bench: markdownTable(results) }) });
