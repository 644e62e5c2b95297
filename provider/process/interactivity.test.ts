import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { descendants, until } from "../../tests/e2e/processes";
import { isInteractive } from "./interactivity";

/** Is this the stand-in itself? `script` may have a shell of its own between, whose one long word is all of its words. */
function isEngine(pid: number): boolean {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("pulumi");
}

/** Starts a stand-in for the engine, on a terminal or not, with these arguments, and asks. */
async function ask(onTerminal: boolean, ...words: string[]): Promise<boolean> {
    const engine = ["sh", "-c", "sleep 60; :", "pulumi", ...words];
    const [command, ...args] = onTerminal
        ? ["script", "-qec", engine.map((word) => `'${word}'`).join(" "), "/dev/null"]
        : engine;
    const child = spawn(command as string, args, { stdio: ["pipe", "pipe", "ignore"] });
    try {
        let found: number | undefined;
        await until("it runs", () => {
            found = [child.pid ?? 0, ...descendants(child.pid ?? 0)].find(isEngine);
            return found !== undefined;
        });
        return isInteractive(found);
    } finally {
        for (const pid of [...descendants(child.pid ?? 0), child.pid ?? 0]) {
            process.kill(pid, "SIGKILL");
        }
    }
}

test.each([
    ["in a terminal", true, [], true],
    ["in a terminal, but told not to ask", true, ["up", "--non-interactive"], false],
    ["in a terminal, told so at length", true, ["up", "--non-interactive=true"], false],
    ["in a pipe", false, ["up"], false],
])("an engine %s", async (_where, onTerminal, words, interactive) => {
    expect(await ask(onTerminal, ...words)).toBe(interactive);
});

test("an engine that is gone", () => {
    expect(isInteractive(0)).toBe(false);
});
