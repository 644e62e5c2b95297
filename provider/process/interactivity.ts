import { readFileSync, readlinkSync } from "node:fs";
import { isInCi } from "./ciDetection";

/**
 * Whether a person watches this build in a terminal. The engine that started this process does not say it, but on Linux it
 * can be seen, by the same signs that Pulumi goes by (sdk/go/common/util/cmdutil/console.go): its standard input and output
 * are terminals, and not dumb ones, it has no option `--non-interactive`, and it is in no CI job. Elsewhere: no.
 *
 * @param engine its process id
 */
export function isInteractive(engine: number = process.ppid): boolean {
    const read = (file: string) => readFileSync(`/proc/${engine}/${file}`, "utf8").split("\0");
    const isTerminal = (fd: number) => /^\/dev\/(pts\/|tty|console)/.test(readlinkSync(`/proc/${engine}/fd/${fd}`));
    try {
        const environment = environmentOf(read("environ"));
        return (
            isTerminal(0) &&
            isTerminal(1) &&
            environment.TERM?.toLowerCase() !== "dumb" &&
            !read("cmdline").some((word) => /^--non-interactive(=true)?$/.test(word)) &&
            !isInCi(environment)
        );
    } catch {
        return false;
    }
}

/** Of `NAME=VALUE`. */
function environmentOf(words: string[]): NodeJS.ProcessEnv {
    return Object.fromEntries(
        words.map((word) => {
            const [name = "", ...value] = word.split("=");
            return [name, value.join("=")];
        }),
    );
}
