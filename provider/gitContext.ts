import { type ChildProcess, spawn } from "node:child_process";

/** A context that BuildKit fetches from a git repository. The image's `dockerfile` is then a path in the repository. */
export interface GitContext {
    /** The address that git is asked with. */
    remote: string;
    /** Branch, tag, other reference or commit; empty for the default branch. */
    ref: string;
    /** A commit, or its beginning, that the reference must have. */
    checksum: string;
    /** Whether that commit is fetched whatever the reference says. */
    fetchByCommit: boolean;
}

/**
 * A context as a git repository, by BuildKit's rules; undefined when it is none by them.
 * Throws for an address that BuildKit takes for a repository and then refuses.
 */
export function parseGitContext(context: string): GitContext | undefined {
    const parts = /^\.\.?\//.test(context) ? undefined : (splitUrl(context) ?? splitScpStyle(context));
    if (!parts) {
        return undefined;
    }
    const [ref = ""] = parts.fragment.split(":");
    const git = { remote: parts.remote, ref, checksum: "", fetchByCommit: false };
    readQuery(git, new URLSearchParams(parts.query), context);
    return git;
}

interface Parts {
    remote: string;
    query: string;
    fragment: string;
}

/** `https://HOST/PATH.git`, `git://...`, `ssh://...` and, for GitHub only, without a scheme. */
function splitUrl(context: string): Parts | undefined {
    const full = context.startsWith("github.com/") ? `https://${context}` : context;
    const match = /^([a-zA-Z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(full);
    if (!match) {
        return undefined;
    }
    const [, scheme = "", host = "", path = "", query = "", fragment = ""] = match;
    switch (scheme.toLowerCase()) {
        case "git":
        case "ssh":
            break;
        case "http":
        case "https":
            // Any other address is a file or an archive.
            if (full === context && !decoded(path).endsWith(".git")) {
                return undefined;
            }
            break;
        default:
            return undefined;
    }
    return { remote: `${scheme.toLowerCase()}://${host}${path}`, query, fragment: decoded(fragment) };
}

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

/** `USER@HOST:PATH`, over ssh. */
function splitScpStyle(context: string): Parts | undefined {
    const match = /^([a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:.*?)(?:\?(.*?))?(?:#(.*))?$/.exec(context);
    return match ? { remote: match[1] as string, query: match[2] ?? "", fragment: match[3] ?? "" } : undefined;
}

function readQuery(git: GitContext, query: URLSearchParams, context: string): void {
    const refuse = (reason: string) => new Error(`git repository ${withoutPassword(context)}: ${reason}`);
    const setRef = (ref: string) => {
        if (git.ref !== "" && git.ref !== ref) {
            throw refuse(`it names both ${git.ref} and ${ref}`);
        }
        git.ref = ref;
    };
    for (const name of new Set(query.keys())) {
        const values = query.getAll(name);
        const value = values[0] as string;
        if (values.length > 1) {
            throw refuse(`?${name}= is given more than once`);
        }
        const isSwitch = ["keep-git-dir", "submodules", "fetch-by-commit"].includes(name);
        if (value === "" && !isSwitch) {
            throw refuse(`?${name}= has no value`);
        }
        if (isSwitch && !/^(|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)) {
            throw refuse(`?${name}= is neither true nor false`);
        }
        switch (name) {
            case "ref":
                setRef(value);
                break;
            case "tag":
            case "branch": {
                const prefix = name === "tag" ? "refs/tags/" : "refs/heads/";
                setRef(value.startsWith(prefix) ? value : prefix + value);
                break;
            }
            case "checksum":
            case "commit":
                git.checksum = value;
                break;
            case "fetch-by-commit":
                git.fetchByCommit = !/^(0|f)/i.test(value);
                break;
            case "subdir":
            case "keep-git-dir":
            case "submodules":
                break;
            case "mtime":
                if (value !== "checkout" && value !== "commit") {
                    throw refuse('?mtime= is neither "checkout" nor "commit"');
                }
                break;
            default:
                throw refuse(`BuildKit knows no ?${name}=`);
        }
    }
}

/** For messages. */
function withoutPassword(address: string): string {
    return address.replace(/:\/\/[^/@]*@/, "://***@");
}

/** The commit that BuildKit would check out, or why it cannot be known from here. */
export type Resolved = { commit: string } | { reason: string };

/**
 * Asks a repository's server, with the caller's own git configuration, agent and credential helpers, for the commit of
 * a git context. Never prompts. Gives up after a time: whoever may build need not be able to reach the server from here.
 * @param folder whose git configuration counts
 * @param seconds to wait at most
 */
export async function resolveGitCommit(context: GitContext, folder: string, seconds = 20): Promise<Resolved> {
    const { remote, ref, checksum, fetchByCommit } = context;
    if (isCommit(ref)) {
        return { commit: ref };
    }
    if (fetchByCommit && isCommit(checksum)) {
        return { commit: checksum };
    }
    const asked = ref === "" ? ["HEAD"] : [ref, `${ref}^{}`];
    const answer = await git(["ls-remote", "--", remote, ...asked], folder, seconds);
    if (typeof answer !== "string") {
        return { reason: `${withoutPassword(remote)}: ${withoutPassword(answer.reason)}` };
    }
    const commit = chooseCommit(answer, ref);
    return commit ? { commit } : { reason: `${withoutPassword(remote)} has no ${ref || "default branch"}` };
}

function isCommit(text: string): boolean {
    return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
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

/** Standard output of git, or why there is none. */
async function git(args: string[], cwd: string, seconds: number): Promise<string | { reason: string }> {
    const env = { GIT_ASKPASS: "", ...process.env, GIT_TERMINAL_PROMPT: "0", LC_ALL: "C", ...(await sshCommand(cwd)) };
    // A group of its own: git's helpers are to end with it.
    const child = spawn("git", args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const limit = setTimeout(() => endGroup(child), seconds * 1000);
    const started = Date.now();
    try {
        const [output, messages, status] = await Promise.all([
            textOf(child.stdout),
            textOf(child.stderr),
            new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve)),
        ]);
        if (status === 0) {
            return output;
        }
        const timedOut = Date.now() - started >= seconds * 1000;
        return {
            reason: timedOut ? `no answer within ${seconds} s` : lastLine(messages) || `git ended with ${status}`,
        };
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
    const child = spawn("git", ["config", "--get", "core.sshCommand"], { cwd, stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise<void>((resolve) => child.on("error", () => resolve()).on("close", () => resolve()));
    const [text] = await Promise.all([textOf(child.stdout), ended]);
    return text.trim();
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
    const pieces: Buffer[] = [];
    for await (const piece of stream) {
        pieces.push(piece as Buffer);
    }
    return Buffer.concat(pieces).toString("utf8");
}

function lastLine(text: string): string {
    return text.trim().split("\n").at(-1) ?? "";
}
