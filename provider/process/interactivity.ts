import { readFileSync, readlinkSync } from "node:fs";

/**
 * Whether a person watches this build in a terminal. The engine that started this process does not say it, but on Linux it
 * can be seen: its standard output is a terminal, and it has no option `--non-interactive`. Elsewhere: no.
 *
 * @param engine its process id
 */
export function isInteractive(engine: number = process.ppid): boolean {
    try {
        const output = readlinkSync(`/proc/${engine}/fd/1`);
        const words = readFileSync(`/proc/${engine}/cmdline`, "utf8").split("\0");
        return (
            /^\/dev\/(pts\/|tty|console)/.test(output) &&
            !words.some((word) => /^--non-interactive(=true)?$/.test(word))
        );
    } catch {
        return false;
    }
}
