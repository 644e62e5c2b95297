// Writes the figures of the last `make bench`, bench/results/latest.json, into the README:
//
//     npx tsx tools/benchTable.ts
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { markdownTable, type Results } from "../bench/figures";
import { withBlock } from "./configurationTable";

const readme = path.join(__dirname, "../README.md");
const results = JSON.parse(readFileSync(path.join(__dirname, "../bench/results/latest.json"), "utf8")) as Results;
writeFileSync(readme, withBlock(readFileSync(readme, "utf8"), "bench", markdownTable(results)));
