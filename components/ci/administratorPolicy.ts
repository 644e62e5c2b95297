import { readFileSync } from "node:fs";
import * as path from "node:path";

/** The permissions that docs/aws.md asks for; for tests. */
export function administratorPolicy(): unknown {
    return JSON.parse(readFileSync(path.resolve(__dirname, "../../docs/aws-permissions.json"), "utf8"));
}
