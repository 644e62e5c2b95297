import { existsSync } from "node:fs";
import * as path from "node:path";

/** A program's place on this machine; nothing if it is missing. */
export function find(program: string): string | undefined {
    return (
        (process.env.PATH ?? "")
            .split(":")
            // Some machines keep administrators' programs off a user's PATH.
            .concat("/usr/sbin", "/sbin")
            .map((folder) => path.join(folder, program))
            .find((file) => existsSync(file))
    );
}
