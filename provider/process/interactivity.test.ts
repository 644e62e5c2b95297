import { spawn } from "node:child_process";
import { descendants, kill, until, wordsOf } from "../../tests/e2e/processes";
import { isInteractive } from "./interactivity";

/** Is this the stand-in itself? `script` may have a shell of its own between, whose one long word is all of its words. */
function isEngine(pid: number): boolean {
    return wordsOf(pid).includes("pulumi");
}

/** How a stand-in for the engine is started. */
interface Start {
    /** @default true */
    onTerminal?: boolean;
    words?: string[];
    /** Of the shell that starts it in a terminal. */
    redirection?: string;
    environment?: NodeJS.ProcessEnv;
}

/** Starts a stand-in for the engine, and asks. */
async function ask({ onTerminal = true, words = [], redirection = "", environment }: Start): Promise<boolean> {
    const engine = ["sh", "-c", "sleep 60; :", "pulumi", ...words];
    const [command, ...args] = onTerminal
        ? ["script", "-qec", `${engine.map((word) => `'${word}'`).join(" ")} ${redirection}`, "/dev/null"]
        : engine;
    // Not the caller's environment: this test may run in CI itself.
    const env = { PATH: process.env.PATH, TERM: "xterm", ...environment };
    const child = spawn(command as string, args, { stdio: ["pipe", "pipe", "ignore"], env });
    try {
        let found: number | undefined;
        await until("it runs", () => {
            found = [child.pid ?? 0, ...descendants(child.pid ?? 0)].find(isEngine);
            return found !== undefined;
        });
        return isInteractive(found);
    } finally {
        for (const pid of [...descendants(child.pid ?? 0), child.pid ?? 0]) {
            // A terminal's end is that of all in it.
            kill(pid);
        }
    }
}

test.each<[string, Start, boolean]>([
    ["in a terminal", {}, true],
    ["in a terminal, but told not to ask", { words: ["up", "--non-interactive"] }, false],
    ["in a terminal, told so at length", { words: ["up", "--non-interactive=true"] }, false],
    ["in a pipe", { onTerminal: false, words: ["up"] }, false],
    ["in a terminal that it cannot read", { redirection: "</dev/null" }, false],
    ["in a dumb terminal", { environment: { TERM: "Dumb" } }, false],
    ["in a CI job's terminal", { environment: { BUILDKITE: "true" } }, false],
    ["in a terminal of a CI system known by a value", { environment: { CI_NAME: "codeship" } }, false],
    ["in a terminal, another value", { environment: { CI_NAME: "mine" } }, true],
    ["in a terminal, an empty variable of CI", { environment: { GITLAB_CI: "" } }, true],
    [
        "in a CI job's terminal, told to see no CI",
        { environment: { GITLAB_CI: "true", PULUMI_DISABLE_CI_DETECTION: "1" } },
        true,
    ],
])("an engine %s", async (_where, start, interactive) => {
    expect(await ask(start)).toBe(interactive);
});

test("an engine that is gone", () => {
    expect(isInteractive(0)).toBe(false);
});
