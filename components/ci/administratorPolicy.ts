import { readFileSync } from "node:fs";
import * as path from "node:path";

/** What docs/aws.md asks the person to have who runs pulumi; for tests. */
export function administratorPolicy(): unknown {
    return JSON.parse(readFileSync(path.resolve(__dirname, "../../docs/aws-permissions.json"), "utf8"));
}
