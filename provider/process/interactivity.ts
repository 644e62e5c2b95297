import { readFileSync, readlinkSync } from "node:fs";

/**
 * Does a person watch this build in a terminal? The engine that started this process knows, and does not say: its
 * standard output is a terminal, and it was not told `--non-interactive`. Where that cannot be seen (not Linux), no.
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
