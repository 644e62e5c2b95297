import { mkdtempSync } from "node:fs";

/** A folder of a test, with a short path: unix sockets are limited to 107 characters. */
export function temporaryFolder(): string {
    return mkdtempSync("/tmp/nbx-");
}
