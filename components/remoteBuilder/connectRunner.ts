import { spawn } from "node:child_process";

/**
 * Runs the connect script by `sh -s`: the script, which holds keys, goes to standard input and so never shows in
 * process arguments or files. Resolves when it is done; rejects with what it said.
 *
 * @param onProgress gets each line as it is said.
 */
export function runConnectScript(
    script: string,
    args: string[],
    onProgress: (line: string) => void = () => undefined,
): Promise<void> {
    return new Promise((resolve, reject) => {
        const child = spawn("sh", ["-s", "--", ...args], { stdio: ["pipe", "ignore", "pipe"] });
        const said: string[] = [];
        let rest = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
            const lines = (rest + text).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) {
                said.push(line);
                onProgress(line);
            }
        });
        child.on("error", reject);
        child.on("close", (code, signal) => {
            if (rest) {
                said.push(rest);
            }
            if (code === 0) {
                resolve();
            } else {
                reject(new Error(said.slice(-8).join("\n") || `connect ended with ${signal ?? `status ${code}`}`));
            }
        });
        // A script that gives up early closes its end; the exit status says why.
        child.stdin.on("error", () => undefined);
        child.stdin.end(script);
    });
}
