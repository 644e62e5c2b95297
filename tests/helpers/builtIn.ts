/** Which platforms' images an `up` built, by their names in the state, from what it printed. */
export function builtIn(output: string): string[] {
    return [...new Set([...output.matchAll(/(\S+): built for linux/g)].map(([, name = ""]) => name))].sort();
}
