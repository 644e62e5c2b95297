/** Quotes a value for sh: one word, whatever it holds. Nothing but the single quote is special between single quotes. */
export function shellQuote(value: string): string {
    return `'${value.replaceAll("'", "'\\''")}'`;
}

/** A script without the lines that are only comment or blank: these stay in the repository, where there is room. */
export function withoutComments(script: string): string {
    return script.replace(/^[ \t]*(#(?!!).*)?\n/gm, "");
}
