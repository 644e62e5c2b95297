import { type PathTest, pathTest } from "./ignorePattern";

/** Which of the patterns held for a folder; handed to what is inside it. */
export type Matches = readonly boolean[];

interface Rule {
    pattern: string;
    /** Begins with `!`: an exception from what earlier patterns ignore. */
    exception: boolean;
    test: PathTest;
}

/** Longest line, in bytes, that BuildKit reads. */
const longestLine = 65_535;

/** What an ignore file leaves out of a context, by Moby's rules. Paths are relative to the context, with slashes. */
export class IgnoreRules {
    private readonly exceptions: readonly string[];

    private constructor(private readonly rules: readonly Rule[]) {
        this.exceptions = rules
            .filter(({ exception }) => exception)
            .map(({ pattern }) => pattern.replace(/\/\*\*$/, "").replace(/\/\*$/, ""));
    }

    /**
     * @param content of the ignore file; undefined where there is none
     * @param file its name, for messages
     * Throws for what BuildKit refuses, with file and line.
     */
    static parse(content: Buffer | undefined, file: string): IgnoreRules {
        const rules: Rule[] = [];
        linesOf(content).forEach((line, at) => {
            try {
                const rule = parseLine(line);
                if (rule) {
                    rules.push(rule);
                }
            } catch (error) {
                throw new Error(`${file}:${at + 1}: pattern ${line.trim()} is not valid: ${(error as Error).message}`);
            }
        });
        return new IgnoreRules(rules);
    }

    /** Whether a path is left out, and what to ask with for the paths inside it. */
    match(path: string, inFolder: Matches): { ignored: boolean; matches: Matches } {
        let ignored = false;
        const matches = this.rules.map(({ exception, test }, at) => {
            // What held for the folder holds for all that is in it. Else a rule is asked only where it would change
            // something; that "not asked" counts as "no" further down is Moby's way, so ours.
            const held = inFolder[at] || (exception === ignored && test(path));
            if (held) {
                ignored = !exception;
            }
            return held;
        });
        return { ignored, matches };
    }

    /**
     * Whether a file that the context has by `match` is sent with nothing in it: buildx asks its rules once more when it
     * opens a file, and then asks every rule about every folder above. Where the two disagree the file arrives empty.
     */
    arrivesEmpty(path: string): boolean {
        if (this.exceptions.length === 0) {
            return false;
        }
        const parents = path.split("/").map((_name, at, names) => names.slice(0, at + 1).join("/"));
        let ignored = false;
        for (const { exception, test } of this.rules) {
            if (exception === ignored && parents.some(test)) {
                ignored = !exception;
            }
        }
        return ignored;
    }

    /** Whether an ignored folder has to be looked into, because an exception may keep something in it. */
    mayKeepInside(folder: string): boolean {
        return this.exceptions.some((pattern) => /[*[\]?^\\]/.test(pattern) || `${pattern}/`.startsWith(`${folder}/`));
    }
}

function linesOf(content: Buffer | undefined): string[] {
    const text = content?.toString("utf8").replace(/^\uFEFF/, "") ?? "";
    return text.split("\n").map((line) => line.replace(/\r$/, ""));
}

function parseLine(line: string): Rule | undefined {
    if (Buffer.byteLength(line) > longestLine) {
        throw new Error(`it is longer than ${longestLine} bytes`);
    }
    let pattern = trim(line);
    if (pattern === "" || line.startsWith("#")) {
        return undefined;
    }
    const exception = pattern.startsWith("!");
    if (exception) {
        pattern = trim(pattern.slice(1));
    }
    pattern = cleanPath(pattern).replace(/^\/(?=.)/, "");
    if (exception) {
        // A lone slash is cleaned away behind the !.
        if (pattern === "" || pattern === "/") {
            throw new Error("a ! needs a pattern behind it");
        }
        return { pattern, exception, test: pathTest(pattern) };
    }
    // BuildKit reads what is left a second time, and then sees a ! that was behind a slash.
    if (pattern.startsWith("!")) {
        return parseLine(pattern);
    }
    pattern = cleanPath(trim(pattern));
    return { pattern, exception, test: pathTest(pattern) };
}

/** Go's white space: unlike JavaScript's with U+0085 and without U+FEFF. */
function trim(text: string): string {
    return text.replace(/^[\s\u0085]+|[\s\u0085]+$/g, (spaces) => (spaces.includes("\uFEFF") ? spaces : ""));
}

/** Go's `path.Clean`, except that nothing stays nothing. */
function cleanPath(path: string): string {
    if (path === "") {
        return "";
    }
    const rooted = path.startsWith("/");
    const kept: string[] = [];
    for (const name of path.split("/")) {
        if (name === "..") {
            if (kept.length > 0 && kept[kept.length - 1] !== "..") {
                kept.pop();
            } else if (!rooted) {
                kept.push("..");
            }
        } else if (name !== "" && name !== ".") {
            kept.push(name);
        }
    }
    return (rooted ? "/" : "") + kept.join("/") || ".";
}
