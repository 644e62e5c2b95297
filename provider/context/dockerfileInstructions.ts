import { splitWords } from "./dockerfileWords";

/** An instruction of a Dockerfile, by BuildKit's rules of lines. */
export interface Instruction {
    /** Line that it begins on, from 1. */
    line: number;
    /** The whole of it as one line, without continuations and comments. */
    text: string;
    /** In small letters, such as `from`. */
    keyword: string;
    /** Its options, such as `--platform=linux/amd64`, without quotes and escape characters. */
    flags: string[];
    /** What follows the options. */
    rest: string;
}

export interface Instructions {
    /** The escape character, `\` or a backtick. */
    escapeChar: string;
    /** Name of the frontend's image, where the Dockerfile names one: directive `syntax`. */
    syntax: string | undefined;
    /** Options of BuildKit's checks, such as `skip=all;error=true`: directive `check`. */
    check: string | undefined;
    instructions: Instruction[];
}

/** Reads a Dockerfile. A file that is none gives instructions that nobody knows. */
export function readInstructions(dockerfile: string): Instructions {
    const lines = dockerfile
        .replace(/^\uFEFF/, "")
        .split("\n")
        .map((line) => line.replace(/\r+$/, ""));
    const escapeChar = directivesOf(lines.map((line) => line.trimStart())).escape === "`" ? "`" : "\\";
    const instructions: Instruction[] = [];
    for (let at = 0; at < lines.length; ) {
        const { text, end } = joinedLine(lines, at, escapeChar);
        const instruction = { line: at + 1, ...splitInstruction(text, escapeChar) };
        at = end;
        if (instruction.keyword) {
            instructions.push(instruction);
            for (const heredoc of heredocsOf(instruction, escapeChar)) {
                at = endOfHeredoc(lines, at, heredoc);
            }
        }
    }
    // For these two BuildKit passes over a first line that names a program, and takes no blanks before a directive.
    const directives = directivesOf(lines[0]?.startsWith("#!") ? lines.slice(1) : lines);
    const [syntax, check] = [directives.syntax, directives.check].map((value) => value?.split(" ")[0]);
    return { escapeChar, syntax, check, instructions };
}

/** The comments at the very top that are directives, each once. */
function directivesOf(lines: string[]): { escape?: string; syntax?: string; check?: string } {
    const found: { [name: string]: string } = {};
    for (const line of lines) {
        const [, key = "", value = ""] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
        const name = key.toLowerCase();
        if (!["escape", "syntax", "check"].includes(name) || name in found) {
            break;
        }
        found[name] = value;
    }
    return found;
}

const isComment = (line: string) => /^\s*#/.test(line);

/** The line at an index with its continuations, and the index after them. */
function joinedLine(lines: string[], start: number, escapeChar: string): { text: string; end: number } {
    // After another escape character it continues nothing.
    const continuation = new RegExp(`(^|[^\\${escapeChar}])\\${escapeChar}[ \\t]*$`);
    const first = lines[start]?.trimStart() ?? "";
    const parts = [isComment(first) ? "" : first];
    let end = start + 1;
    for (; continuation.test(parts.at(-1) ?? "") && end < lines.length; end++) {
        const line = lines[end] ?? "";
        if (line.trim() && !isComment(line)) {
            parts.push(line);
        }
    }
    return { text: parts.map((part) => part.replace(continuation, "$1")).join(""), end };
}

function splitInstruction(line: string, escapeChar: string): Omit<Instruction, "line"> {
    const text = line.trim();
    const [keyword = ""] = /^[^\t\v\f\r ]*/.exec(text) ?? [];
    // Quotes may be anywhere in an option, and in them a character can be escaped.
    const escaped = `\\${escapeChar}[^]`;
    const flag = new RegExp(
        `^[\\t-\\r ]*(--(?:${escaped}|"(?:${escaped}|[^"])*"?|'(?:${escaped}|[^'])*'?|[^\\t-\\r ])*)`,
    );
    const quoting = new RegExp(`\\${escapeChar}([^]?)|["']`, "g");
    const flags: string[] = [];
    let rest = text.slice(keyword.length);
    for (let match = flag.exec(rest); match; match = flag.exec(rest)) {
        rest = rest.slice(match[0].length);
        const word = match[1]?.replace(quoting, "$1") ?? "";
        if (word === "--") {
            break;
        }
        flags.push(word);
    }
    return { text, keyword: keyword.toLowerCase(), flags, rest: rest.trim() };
}

interface Heredoc {
    /** The line that ends it. */
    name: string;
    /** Tabs before that line do not count. */
    isIndented: boolean;
}

/** The heredocs that an instruction begins: only these instructions do, and not in their JSON form. */
function heredocsOf({ keyword, text, rest }: Omit<Instruction, "line">, escapeChar: string): Heredoc[] {
    const inner = keyword === "onbuild" ? splitInstruction(rest, escapeChar) : { keyword, rest };
    if (!["add", "copy", "run"].includes(inner.keyword) || !text.includes("<<") || isJson(inner.rest)) {
        return [];
    }
    // The escape character is the default one here, whatever the Dockerfile says.
    const words = splitWords(text, { escapeChar: "\\", raw: true }) ?? [];
    return words.flatMap((word) => {
        const [, dash, written = ""] = /^\d*<<(-?)[\t\n\f\r ]*([^<]*)$/.exec(word) ?? [];
        const [name, ...more] = splitWords(written, { escapeChar: "\\" }) ?? [];
        return name && more.length === 0 ? [{ name, isIndented: dash === "-" }] : [];
    });
}

function isJson(rest: string): boolean {
    try {
        return rest.startsWith("[") && Array.isArray(JSON.parse(rest));
    } catch {
        return false;
    }
}

/** The index after a heredoc whose first line is at an index. */
function endOfHeredoc(lines: string[], start: number, { name, isIndented }: Heredoc): number {
    let at = start;
    while (at < lines.length && (isIndented ? lines[at]?.replace(/^\t+/, "") : lines[at]) !== name) {
        at += 1;
    }
    return at + 1;
}
