import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import * as path from "node:path";
import { killGroup, until } from "../../tests/e2e/processes";
import { freePorts } from "../../tests/helpers/freePorts";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { resolveGitCommit } from "./gitCommit";
import { parseGitContext } from "./gitContext";

describe("an address is a git repository by BuildKit's rules", () => {
    test.each<[string, string, string?]>([
        ["git://host/repo", "git://host/repo"],
        ["git://host/repo.git#main", "git://host/repo.git", "main"],
        ["ssh://git@host:22/repo", "ssh://git@host:22/repo"],
        ["git@host:repo.git", "git@host:repo.git"],
        ["git@host:o/repo?ref=v1", "git@host:o/repo", "v1"],
        ["org-1@github.com:o/r.git#main:sub", "org-1@github.com:o/r.git", "main"],
        ["github.com/o/r", "https://github.com/o/r"],
        ["github.com/o/r#main", "https://github.com/o/r", "main"],
        ["https://host/repo.git#main:sub/folder", "https://host/repo.git", "main"],
        ["https://host/repo.git#:sub", "https://host/repo.git", ""],
        ["HTTPS://host/repo.git", "https://host/repo.git"],
        ["http://host/repo.git?branch=b&subdir=s", "http://host/repo.git", "refs/heads/b"],
        ["https://host/repo.git?tag=v1", "https://host/repo.git", "refs/tags/v1"],
        ["https://host/repo.git?ref=a%2Fb&submodules=false&keep-git-dir", "https://host/repo.git", "a/b"],
    ])("%s", (context, remote, ref = "") => {
        expect(parseGitContext(context)).toEqual({ remote, ref, checksum: "", fetchByCommit: false });
    });

    test("with the commit that it must have", () => {
        expect(parseGitContext("https://host/repo.git?checksum=abc&fetch-by-commit#main")).toEqual({
            remote: "https://host/repo.git",
            ref: "main",
            checksum: "abc",
            fetchByCommit: true,
        });
    });

    test.each([
        "https://host/repo",
        "https://host/repo.git/",
        "https://host/repo.tar.gz",
        "HTTPS://host/repo",
        "host/repo.git",
        "github.com",
        "./git@host:repo",
        "../repo.git",
        "/a/repo.git",
        "file:///a/repo.git",
        "docker-image://app",
        "folder",
        "",
    ])("not %s", (context) => expect(parseGitContext(context)).toBeUndefined());

    test.each([
        [
            "https://user:word@host/repo.git?unknown=1",
            "https://***@host/repo.git?unknown=***: BuildKit knows no ?unknown=",
        ],
        ["https://host/repo.git?ref=a#b", "it names both b and a"],
        ["https://host/repo.git?tag=a&branch=a", "it names both refs/tags/a and refs/heads/a"],
        ["https://host/repo.git?ref=a&ref=a", "?ref= is given more than once"],
        ["https://host/repo.git?ref=", "?ref= has no value"],
        ["https://host/repo.git?submodules=maybe", "?submodules= is neither true nor false"],
        ["https://host/repo.git?mtime=now", "?mtime= is neither"],
    ])("%s is refused", (context, reason) => expect(() => parseGitContext(context)).toThrow(reason));
});

describe("the commit of a git context", () => {
    const unreachable = { unreachable: true };
    const folder = temporaryFolder();
    const repository = path.join(folder, "repo.git");
    const commits: { [name: string]: string } = {};
    let server: ChildProcess;
    let address: string;

    const git = (...args: string[]) => {
        const identity = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
        const author = ["-c", "user.name=n", "-c", "user.email=e"];
        return execFileSync("git", [...author, ...args], {
            cwd: repository,
            encoding: "utf8",
            env: { ...process.env, ...identity },
        }).trim();
    };
    /** An empty commit on a branch. */
    function commit(branch: string): string {
        const tree = git("hash-object", "-t", "tree", "-w", "/dev/null");
        const made = git("commit-tree", tree, "-m", `${branch} ${Math.random()}`);
        git("update-ref", `refs/heads/${branch}`, made);
        return made;
    }

    beforeAll(async () => {
        fs.mkdirSync(repository);
        git("init", "--quiet", "--bare", "--initial-branch", "main");
        Object.assign(commits, { main: commit("main"), other: commit("other"), v1: commit("release") });
        git("tag", "-a", "v1", "-m", "v1", "release");
        git("tag", "other", "release");
        git("update-ref", "refs/pull/1/head", commits.other as string);
        const [port] = await freePorts(1);
        address = `git://127.0.0.1:${port}/repo.git`;
        server = spawn(
            "git",
            ["daemon", "--export-all", `--base-path=${folder}`, "--listen=127.0.0.1", `--port=${port}`, "--reuseaddr"],
            { stdio: "ignore", detached: true },
        );
        await until("git serves", async () => !("reason" in (await resolved(address))));
    });

    afterAll(() => {
        killGroup(server);
        fs.rmSync(folder, { recursive: true, force: true });
    });

    const resolved = (context: string, seconds = 20) =>
        resolveGitCommit(
            parseGitContext(context) as NonNullable<ReturnType<typeof parseGitContext>>,
            folder,
            {},
            seconds,
        );

    test.each([
        ["of the default branch", "", "main"],
        ["of a branch, before a tag of that name", "#other", "other"],
        ["of a branch by its full name", "#refs/heads/other", "other"],
        ["of a tag with a note", "#v1", "v1"],
        ["of a tag by its full name", "?tag=other", "v1"],
        ["of any other reference", "#refs/pull/1/head", "other"],
        ["of a branch, whatever the folder", "#other:sub", "other"],
    ])("%s", async (_what, suffix, name) => {
        expect(await resolved(address + suffix)).toEqual({ commit: commits[name] });
    });

    test("follows a branch that moved on", async () => {
        commit("moving");
        const before = await resolved(`${address}#moving`);
        expect(await resolved(`${address}#moving`)).toEqual(before);
        expect(await resolved(`${address}#moving`)).toEqual({ commit: git("rev-parse", "moving") });
        const after = commit("moving");
        expect(await resolved(`${address}#moving`)).toEqual({ commit: after });
    });

    test("needs no server when it is written there", async () => {
        const commit = "0123456789".repeat(4);
        expect(await resolved(`git://127.0.0.1:1/repo.git#${commit}`)).toEqual({ commit });
        const pinned = `git://127.0.0.1:1/repo.git?checksum=${commit}&fetch-by-commit#main`;
        expect(await resolved(pinned)).toEqual({ commit });
    });

    test.each([
        ["no such branch", () => `${address}#nope`, /has no nope$/, {}],
        [
            "no such repository",
            () => address.replace("repo", "nope"),
            /nope\.git: .*not exported|access denied|remote error/,
            {},
        ],
        ["no server", () => "git://127.0.0.1:1/repo.git", /^git:\/\/127\.0\.0\.1:1\/repo\.git: /, unreachable],
        [
            "a password in the address",
            () => "https://me:word@127.0.0.1:1/repo.git",
            /^https:\/\/\*\*\*@127/,
            unreachable,
        ],
    ])("%s: says why it is not known", async (_what, context, reason, more) => {
        expect(await resolved(context())).toEqual({ reason: expect.stringMatching(reason), ...more });
    });

    test("gives up on a server that does not answer, and ends git", async () => {
        const silent = createServer();
        const port = await new Promise<number>((resolve) =>
            silent.listen(0, "127.0.0.1", () => resolve((silent.address() as { port: number }).port)),
        );
        const closed = new Promise<void>((resolve) =>
            silent.on("connection", (socket) =>
                socket
                    .on("error", () => undefined)
                    .on("close", () => resolve())
                    .resume(),
            ),
        );
        const context = `git://127.0.0.1:${port}/repo.git`;
        expect(await resolved(context, 1)).toEqual({ reason: `${context}: no answer within 1 s`, tooLate: true });
        await closed;
        silent.close();
    });

    describe("over ssh", () => {
        const seen = path.join(folder, "seen");
        const ssh = path.join(folder, "my ssh");
        const variables = ["GIT_SSH_COMMAND", "GIT_SSH", "GIT_CONFIG_GLOBAL"];
        const saved = variables.map((name) => [name, process.env[name]] as const);

        beforeAll(() => {
            // In the server's place: what git says to ssh, and the repository at the other end.
            fs.writeFileSync(ssh, `#!/bin/sh\nprintf '%s\\n' "$@" >'${seen}'\nexec git-upload-pack '${repository}'\n`);
            fs.chmodSync(ssh, 0o755);
        });
        beforeEach(() => {
            for (const name of variables) {
                delete process.env[name];
            }
        });
        afterAll(() => {
            for (const [name, value] of saved) {
                if (value === undefined) {
                    delete process.env[name];
                } else {
                    process.env[name] = value;
                }
            }
        });

        test.each([
            ["GIT_SSH_COMMAND", () => Object.assign(process.env, { GIT_SSH_COMMAND: `'${ssh}' -v` })],
            [
                "core.sshCommand",
                () => {
                    const configuration = path.join(folder, "gitconfig");
                    fs.writeFileSync(configuration, `[core]\nsshCommand = "'${ssh}' -v"\n`);
                    Object.assign(process.env, { GIT_CONFIG_GLOBAL: configuration });
                },
            ],
        ])("uses the caller's %s, and lets it ask nothing", async (_how, configure) => {
            configure();
            expect(await resolved("org-1@host:o/r.git#other")).toEqual({ commit: commits.other });
            const args = fs.readFileSync(seen, "utf8").split("\n");
            expect(args.slice(0, 3)).toEqual(["-v", "-o", "BatchMode=yes"]);
            expect(args).toContain("org-1@host");
        });
    });
});
