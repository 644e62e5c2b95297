import { readdirSync, statSync, utimesSync } from "node:fs";
import * as path from "node:path";

/** As if so many days had passed for a local registry: all that it goes by is the age of files in its folder. */
export function daysPass(registry: string, days: number): void {
    for (const entry of readdirSync(registry, { recursive: true, encoding: "utf8" })) {
        if (["link", "untagged", "garbage.log"].includes(path.basename(entry))) {
            const file = path.join(registry, entry);
            // find is a second late.
            const then = statSync(file).mtimeMs / 1000 - days * 86_400 - 5;
            utimesSync(file, then, then);
        }
    }
}
