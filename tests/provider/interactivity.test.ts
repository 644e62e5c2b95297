import { spawn } from "node:child_process";
import { isInteractive } from "../../provider/interactivity";
import { descendants, until } from "../e2e/processes";

/** Starts a stand-in for the engine, on a terminal or not, with these arguments, and asks. */
async function ask(onTerminal: boolean, ...words: string[]): Promise<boolean> {
    const engine = ["sh", "-c", "sleep 60; :", "pulumi", ...words];
    const [command, ...args] = onTerminal
        ? ["script", "-qec", engine.map((word) => `'${word}'`).join(" "), "/dev/null"]
        : engine;
    const child = spawn(command as string, args, { stdio: ["pipe", "pipe", "ignore"] });
    try {
        await until("it runs", () => descendants(child.pid ?? 0).length >= (onTerminal ? 2 : 1));
        return isInteractive(onTerminal ? descendants(child.pid ?? 0)[0] : child.pid);
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
