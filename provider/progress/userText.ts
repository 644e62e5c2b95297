/** BuildKit quotes as Go does, so a quote in the command has a backslash, and this is where it ends. */
const commandEnd = '" did not complete successfully';

/** The error of a step without its command, which may be long and say anything: `process did not complete successfully: ...`. */
export function withoutCommand(error: string): string {
    const begin = error.indexOf('process "');
    const end = error.lastIndexOf(commandEnd);
    return begin === -1 || end < begin ? error : error.slice(0, begin + "process".length) + error.slice(end + 1);
}

/** An error without what the user wrote: a step's command, and paths. What is left is BuildKit's and the registry's own. */
export function withoutUserText(error: string): string {
    return withoutCommand(error).replace(/"\/[^"\\]*(?:\\.[^"\\]*)*"/g, '""');
}
