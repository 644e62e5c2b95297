import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where a namespace is. */
export interface NamespacePlace {
    namespace: string;
    /** Of the kubeconfig; empty for the current one. */
    context: string;
}

/** What kubectl prints of an object as JSON; empty where there is none. */
export async function kubectlGet(context: string, words: string[]): Promise<string> {
    const login = context ? ["--context", context] : [];
    const all = [...login, "get", ...words, "--ignore-not-found", "--output", "json"];
    return (await run("kubectl", all, { timeout: 30_000, env: process.env })).stdout;
}
