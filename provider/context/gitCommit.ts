import { type ChildProcess, execFile, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { withoutLogins } from "../withoutLogins";
import { type GitContext, isCommit } from "./gitContext";
import type { Unanswered } from "./unreachableServers";

const run = promisify(execFile);

/** The commit that BuildKit would check out, or why it cannot be known from here. */
export type Resolved = { commit: string } | Unanswered;

/**
 * Asks a repository's server, with the caller's own git configuration, agent and credential helpers, for the commit of
 * a git context. Never prompts. Gives up after a time: whoever may build need not be able to reach the server from here.
 * @param folder whose git configuration counts
 * @param login further variables for git: see gitLogin.ts
 * @param seconds to wait at most
 */
export async function resolveGitCommit(
    context: GitContext,
    folder: string,
    login: NodeJS.ProcessEnv,
    seconds = 20,
): Promise<Resolved> {
    const { remote, ref, checksum, fetchByCommit } = context;
    if (isCommit(ref)) {
        return { commit: ref };
    }
    if (fetchByCommit && isCommit(checksum)) {
        return { commit: checksum };
    }
    const asked = ref === "" ? ["HEAD"] : [ref, `${ref}^{}`];
    const answer = await git(["ls-remote", "--", remote, ...asked], folder, login, seconds);
    if (typeof answer !== "string") {
        return { ...answer, reason: withoutLogins(`${remote}: ${answer.reason}`) };
    }
    const commit = chooseCommit(answer, ref);
    return commit ? { commit } : { reason: withoutLogins(`${remote} has no ${ref || "default branch"}`) };
}

/** The server that git asks for a repository: its configuration may have another in place of the address's. */
export async function gitServer(remote: string, folder: string, login: NodeJS.ProcessEnv): Promise<string> {
    const asked = await git(["ls-remote", "--get-url", "--", remote], folder, login, 20);
    const address = typeof asked === "string" ? asked.trim() : remote;
    const [, scheme, host] = /^(\w+:\/\/)(?:[^/]*@)?([^/]*)/.exec(address) ?? [];
    return scheme ? `${scheme}${host}` : address.replace(/:.*$/s, "");
}

/** As BuildKit chooses among what `ls-remote` lists: the reference itself, a branch, the commit of a tag, a tag. */
function chooseCommit(listed: string, ref: string): string | undefined {
    const commits = new Map(listed.split("\n").map((line) => line.split("\t").reverse() as [string, string]));
    const under = (folder: string) => folder + (ref.startsWith(folder) ? ref.slice(folder.length) : ref);
    const tag = under("refs/tags/");
    const itself = under("refs/");
    const candidates =
        ref === "" ? ["HEAD"] : [...(itself === tag ? [] : [itself]), under("refs/heads/"), `${tag}^{}`, tag];
    return candidates.map((candidate) => commits.get(candidate)).find((commit) => commit !== undefined);
}

/** Variables that lead git to another repository than the one of its folder, as a hook has them; and those that print secrets. */
const bending =
    /^GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|TRACE.*|CURL_VERBOSE)$/;

/** The caller's environment for git, with the caller's configuration and ways to log in. */
function gitEnvironment(): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(process.env).filter(([name]) => !bending.test(name)));
}

/** Standard output of git, or why there is none. */
async function git(
    args: string[],
    cwd: string,
    login: NodeJS.ProcessEnv,
    seconds: number,
): Promise<string | Unanswered> {
    const asksNothing = { GIT_TERMINAL_PROMPT: "0", LC_ALL: "C", ...(await sshCommand(cwd)) };
    const env = { GIT_ASKPASS: "", ...gitEnvironment(), ...login, ...asksNothing };
    // A group of its own: git's helpers are to end with it.
    const child = spawn("git", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const limit = setTimeout(() => endGroup(child), seconds * 1000);
    const started = Date.now();
    try {
        const [output, messages, status] = await Promise.all([
            text(child.stdout),
            text(child.stderr),
            new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve)),
        ]);
        if (status === 0) {
            return output;
        }
        if (Date.now() - started >= seconds * 1000) {
            return { reason: `no answer within ${seconds} s`, tooLate: true };
        }
        const reason = reasonIn(messages) || `git ended with ${status}`;
        return isUnreachable.test(reason) ? { reason, unreachable: true } : { reason };
    } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
        return { reason: missing ? "git is not installed" : (error as Error).message };
    } finally {
        clearTimeout(limit);
    }
}

function endGroup({ pid }: ChildProcess): void {
    try {
        process.kill(-(pid as number), "SIGKILL");
    } catch {
        // Has just ended.
    }
}

/** The caller's own ssh, told never to ask. A program in GIT_SSH takes no options: it is left alone. */
async function sshCommand(cwd: string): Promise<NodeJS.ProcessEnv> {
    if (process.env.GIT_SSH && !process.env.GIT_SSH_COMMAND) {
        return {};
    }
    const configured = process.env.GIT_SSH_COMMAND || (await configuredSsh(cwd)) || "ssh";
    return { GIT_SSH_COMMAND: `${configured} -o BatchMode=yes` };
}

async function configuredSsh(cwd: string): Promise<string> {
    const asked = run("git", ["config", "--get", "core.sshCommand"], { cwd, env: gitEnvironment() });
    return (await asked.catch(() => ({ stdout: "" }))).stdout.trim();
}

/** As git says it of git://, of http and of ssh. */
const isUnreachable =
    /^fatal: unable to (connect to|look up) |^fatal: unable to access '.*': (Failed to connect to|Could not resolve) |^ssh: (connect to host|Could not resolve hostname) /;

/** What git and ssh say first is the reason; what follows is advice. */
function reasonIn(messages: string): string {
    return messages.split("\n").find((line) => line.trim() !== "" && !/^warning:/i.test(line)) ?? "";
}
