// One pattern of an ignore file, with Moby's meaning of it. Our own, after Docker's documentation and what BuildKit does:
// of 3,000 random ignore files @balena/dockerignore 1.0.2 understood 102 otherwise than BuildKit, package ignore knows
// Git's rules only, and every difference here is a change that nobody sees.

/** Whether a path, without a leading slash, is what a pattern names. What is inside a folder so named is not asked here. */
export type PathTest = (path: string) => boolean;

/**
 * Makes the test of a cleaned pattern (no `!`, no leading or trailing slash).
 * Throws an Error with the reason, for people, where BuildKit refuses the pattern or would.
 */
export function pathTest(pattern: string): PathTest {
    checkSyntax(pattern);
    const { expression, kind } = translate(pattern);
    switch (kind) {
        case "exact":
            return (path) => path === pattern;
        case "prefix": {
            const prefix = pattern.slice(0, -2);
            return (path) => path.startsWith(prefix);
        }
        case "suffix": {
            const suffix = pattern.slice(2);
            return (path) => path.endsWith(suffix) || (suffix.startsWith("/") && path === suffix.slice(1));
        }
        case "expression": {
            const compiled = new RegExp(javascriptExpression(expression), "u");
            return (path) => compiled.test(path);
        }
    }
}

/** Go's `filepath.Match` has the word on what is a pattern at all. */
function checkSyntax(pattern: string): void {
    const characters = [...pattern];
    let at = 0;
    const classCharacter = () => {
        if (at >= characters.length || characters[at] === "-" || characters[at] === "]") {
            throw new Error("its [...] is not complete");
        }
        at += characters[at] === "\\" ? 2 : 1;
        if (at >= characters.length) {
            throw new Error("its [...] is not complete");
        }
    };
    while (at < characters.length) {
        const character = characters[at++];
        if (character === "\\" && at++ >= characters.length) {
            throw new Error("it ends with a \\ that escapes nothing");
        }
        if (character !== "[") {
            continue;
        }
        if (characters[at] === "^") {
            at++;
        }
        for (let ranges = 0; !(characters[at] === "]" && ranges > 0); ranges++) {
            classCharacter();
            if (characters[at] === "-") {
                at++;
                classCharacter();
            }
        }
        at++;
    }
}

type Kind = "exact" | "prefix" | "suffix" | "expression";

/**
 * The pattern as an expression of Go's regexp, where it needs one. Moby does not know what is inside `[...]` when it
 * translates, so neither may we: `[*]` becomes `[[^/]*]`.
 */
function translate(pattern: string): { expression: string; kind: Kind } {
    const characters = [...pattern];
    let expression = "^";
    let kind: Kind = "exact";
    let at = 0;
    while (at < characters.length) {
        const first = at === 0;
        const character = characters[at++] as string;
        if (character === "*" && characters[at] === "*") {
            at++;
            if (characters[at] === "/") {
                at++;
            }
            if (at < characters.length) {
                expression += "(.*/)?";
                kind = "expression";
            } else if (kind === "exact") {
                kind = "prefix";
            } else {
                expression += ".*";
                kind = "expression";
            }
            if (first) {
                kind = "suffix";
            }
        } else if (character === "*" || character === "?") {
            expression += character === "*" ? "[^/]*" : "[^/]";
            kind = "expression";
        } else if (".+()|{}$".includes(character)) {
            expression += `\\${character}`;
        } else if (character === "\\") {
            expression += `\\${characters[at++]}`;
            kind = "expression";
        } else {
            expression += character;
            if (character === "[" || character === "]") {
                kind = "expression";
            }
        }
    }
    return { expression: `${expression}$`, kind };
}

/** What a backslash and a letter mean to Go, where a pattern may hold it. */
const escapes: { [letter: string]: string } = {
    d: "0-9",
    w: "0-9A-Za-z_",
    s: "\\t\\n\\f\\r ",
    a: "\\x07",
    f: "\\f",
    n: "\\n",
    r: "\\r",
    t: "\\t",
    v: "\\v",
};

/** The same expression for JavaScript (flag `u`). */
function javascriptExpression(expression: string): string {
    const characters = [...expression];
    let result = "";
    let at = 0;
    while (at < characters.length) {
        const character = characters[at++] as string;
        if (character === "[") {
            const end = endOfClass(characters, at);
            result += javascriptClass(characters.slice(at, end));
            at = end + 1;
        } else if (character === "]") {
            result += "\\]";
        } else if (character === "\\") {
            result += `[${classEscape(characters[at++] as string)}]`;
        } else if (character === ".") {
            result += "[^\\n]";
        } else if ("^$*?()".includes(character)) {
            result += character;
        } else {
            result += literal(character);
        }
    }
    return result;
}

/** Where the `]` is that ends a class: the first character in it may be one itself. */
function endOfClass(characters: string[], from: number): number {
    let at = from + (characters[from] === "^" ? 1 : 0);
    for (let first = true; first || characters[at] !== "]"; first = false) {
        if (at >= characters.length) {
            throw new Error("its [...] is not complete");
        }
        if (characters[at] === "[" && characters[at + 1] === ":") {
            throw new Error(
                "it has a class like [:alpha:], which is not supported here: write the characters themselves",
            );
        }
        at += characters[at] === "\\" ? 2 : 1;
    }
    return at;
}

function javascriptClass(characters: string[]): string {
    const negated = characters[0] === "^";
    let result = negated ? "[^" : "[";
    for (let at = negated ? 1 : 0; at < characters.length; at++) {
        const character = characters[at] as string;
        if (character === "\\") {
            result += classEscape(characters[++at] as string);
        } else if (character === "-" && at > (negated ? 1 : 0) && at < characters.length - 1) {
            result += "-";
        } else {
            result += literal(character);
        }
    }
    return `${result}]`;
}

function classEscape(character: string): string {
    const known = escapes[character];
    if (known) {
        return known;
    }
    if (!/^[ -/:-@[-`{-~]$/.test(character)) {
        throw new Error(`it has \\${character}, which is not supported here: a \\ may stand before a sign only`);
    }
    return literal(character);
}

function literal(character: string): string {
    return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}
