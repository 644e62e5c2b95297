import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import type { Platform } from "../../components/architecture";
import { Buildkit, describeWithBuildkit } from "../../tests/helpers/buildkit";
import { GitServer } from "../../tests/helpers/gitServer";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import type { Connections } from "../buildx/connectScript";
import type { Work } from "../resource";
import { type PlatformImageInputs, type PlatformImageOutputs, PlatformImageResource } from "./platformImage";

jest.setTimeout(180_000);

const revision = "org.opencontainers.image.revision";

describeWithBuildkit("contexts that are elsewhere", () => {
    const folder = temporaryFolder();
    const buildkit = new Buildkit();
    const server = new GitServer(folder);
    const environment = process.env;
    let resource: PlatformImageResource;
    let sshAgent: ChildProcess;
    let said: string[];
    let shown: string[];

    beforeAll(async () => {
        const programs = path.join(folder, "programs");
        mkdirSync(programs);
        // In the place of ssh and the server behind it: does at once what git asks for.
        writeFileSync(path.join(programs, "ssh"), '#!/bin/sh\nfor asked; do :; done\nexec sh -c "$asked"\n');
        chmodSync(path.join(programs, "ssh"), 0o755);
        const agent = path.join(folder, "agent");
        process.env = { ...environment, PATH: `${programs}:${environment.PATH}` };
        sshAgent = spawn("ssh-agent", ["-D", "-a", agent], { stdio: "ignore" });
        await Promise.all([buildkit.start(), server.start()]);
        process.env = { ...environment, ...buildkit.environment, SSH_AUTH_SOCK: agent };
    });
    afterAll(async () => {
        process.env = environment;
        sshAgent.kill();
        server.end();
        await buildkit.end();
        rmSync(folder, { recursive: true });
    });
    beforeEach(() => {
        // Its runner serves.
        const connections = { connect: async () => 0, served: () => undefined };
        resource = new PlatformImageResource(connections as unknown as Connections);
        said = [];
        shown = [];
    });

    const work = (name: string): Work => ({
        urn: name,
        signal: new AbortController().signal,
        status: (text) => shown.push(text),
        log: (severity, text) => severity === "warning" && said.push(text),
    });
    const inputs = (platform: Platform, changes: Partial<PlatformImageInputs>): PlatformImageInputs => ({
        platform,
        runner: platform,
        builder: buildkit.builder,
        context: "",
        contexts: {},
        args: {},
        secrets: {},
        tags: [`${buildkit.registry}/app:${platform.slice(6)}`],
        cacheFrom: [],
        cacheTo: [],
        sourceLabels: true,
        here: { connect: "", project: buildkit.folder, buildsPerRunner: 1 },
        ...changes,
    });
    const check = (
        platform: Platform,
        changes: Partial<PlatformImageInputs>,
        olds: Partial<PlatformImageInputs> = {},
    ) => resource.check(inputs(platform, changes), work(platform), olds);
    const build = async (checked: PlatformImageInputs): Promise<PlatformImageOutputs> =>
        (await resource.create(checked, work(checked.platform))).outputs;
    const labelsOf = async ({ digest }: PlatformImageOutputs) =>
        (await buildkit.config(`app@${digest}`)).config.Labels ?? {};
    /** Files whose image says a word. */
    const saying = (word: string) => ({ Dockerfile: `FROM scratch\nLABEL word=${word}\n` });
    const push = (branch: string, word: string) => {
        const files = { ...saying(word), "sub/Dockerfile": `FROM scratch\nLABEL word=${word}-sub\n` };
        return server.commit(branch, { ...files, "sub/other/Dockerfile": `FROM scratch\nLABEL word=${word}-other\n` });
    };

    test("both platforms are built at the commit that was seen, whatever is pushed in between", async () => {
        const first = push("main", "one");
        const context = `${server.address}#main`;
        const [amd64, arm64] = [await check("linux/amd64", { context }), await check("linux/arm64", { context })];
        const built = [await build(amd64)];
        push("main", "two");
        built.push(await build(arm64));
        for (const one of built) {
            expect(await labelsOf(one)).toEqual({ word: "one", [revision]: first });
            expect(one.commits).toEqual({ [context]: first });
        }
    });

    describe.each([
        ["as it was seen", false],
        ["after its reference was moved", true],
    ])("is built %s:", (_when, isMoved) => {
        const forms: [string, (address: string) => string, word: string][] = [
            ["the default branch", (address) => address, "main"],
            ["a branch", (address) => `${address}#work`, "work"],
            ["a branch by its full name", (address) => `${address}#refs/heads/work`, "work"],
            ["a branch in a query", (address) => `${address}?branch=work`, "work"],
            ["a branch in a query, a folder in both", (address) => `${address}?ref=work&subdir=sub#:sub`, "work-sub"],
            ["a folder", (address) => `${address}#work:sub/other`, "work-other"],
            ["a folder of the default branch", (address) => `${address}#:sub`, "main-sub"],
            ["a tag", (address) => `${address}#light`, "work"],
            ["a tag with a note", (address) => `${address}#noted`, "work"],
            ["a tag with a note in a query", (address) => `${address}?tag=noted&keep-git-dir=1`, "work"],
            ["over http", () => `${server.privateAddress}#work`, "work"],
            ["over ssh", () => `ssh://git@127.0.0.1${server.path}#work`, "work"],
            ["as scp has it", () => `git@127.0.0.1:${server.path}#work:sub`, "work-sub"],
        ];
        const lay = (age: string) => {
            for (const branch of ["main", "work"]) {
                push(branch, `${age}-${branch}`);
            }
            server.git("tag", "--force", "light", "work");
            server.git("tag", "--force", "--annotate", "--message", "a note", "noted", "work");
        };

        test.each(forms)("%s", async (_what, form, word) => {
            lay("old");
            const checked = await check("linux/amd64", {
                context: form(server.address),
                secrets: { GIT_AUTH_TOKEN: server.token },
            });
            const branch = word.startsWith("main") ? "main" : "work";
            expect(Object.values(checked.commits ?? {})).toEqual([server.git("rev-parse", branch)]);
            if (isMoved) {
                lay("new");
            }
            expect(await labelsOf(await build(checked))).toMatchObject({ word: `old-${word}` });
            expect(said).toEqual([]);
        });
    });

    test("a commit that is named stays, also beside a branch that moves", async () => {
        const first = server.commit("main", { Dockerfile: "FROM scratch\nCOPY --from=lib / /\nLABEL word=one\n" });
        push("main", "two");
        const named = `${server.address}#${first}`;
        const contexts = { lib: `${server.address}#main` };
        const checked = await check("linux/amd64", { context: named, contexts, sourceLabels: false });
        push("main", "three");
        expect(await labelsOf(await build(checked))).toEqual({ word: "one" });
    });

    test("what a server does not say here is built by name, without a commit's label, and told once for an image", async () => {
        push("main", "one");
        const caller = process.env;
        process.env = {
            ...caller,
            GIT_CONFIG_COUNT: "1",
            GIT_CONFIG_KEY_0: "url.git://127.0.0.1:1/.insteadOf",
            GIT_CONFIG_VALUE_0: server.address.replace("repo.git", ""),
        };
        try {
            const [context, known] = [`${server.address}#main`, "1".repeat(40)];
            const olds = { commits: { [context]: known } };
            const checked = await check("linux/amd64", { context }, olds);
            await check("linux/arm64", { context }, olds);
            expect(said).toEqual([
                expect.stringMatching(/its newest commit is not known, so it is taken as unchanged/),
            ]);
            expect(checked.commits).toEqual(olds.commits);
            expect(await labelsOf(await build(checked))).toEqual({ word: "one" });
        } finally {
            process.env = caller;
        }
    });

    test("a Dockerfile of this machine is built, its edits are changes, and no state has its path", async () => {
        push("main", "repository");
        const dockerfile = path.join(folder, "Dockerfile");
        const write = (word: string) => writeFileSync(dockerfile, `FROM scratch\nCOPY sub /\nLABEL word=${word}\n`);
        write("here");
        const given = { context: `${server.address}#main`, dockerfile, sourceLabels: false };
        const first = await build(await check("linux/amd64", given));
        expect(await labelsOf(first)).toEqual({ word: "here" });
        expect(JSON.stringify(first)).not.toContain(folder);
        expect(resource.changes(first, await check("linux/amd64", given, first))).toEqual([]);
        write("edited");
        const edited = await check("linux/amd64", given, first);
        expect(resource.changes(first, edited)).toEqual(["contextHash"]);
        expect(await labelsOf(await build(edited))).toEqual({ word: "edited" });
        await expect(check("linux/amd64", { ...given, dockerfile: `${dockerfile}.gone` })).rejects.toThrow(
            `Dockerfile ${dockerfile}.gone cannot be read`,
        );
    });

    test("another version of an archive is a change, and the image of it is built", async () => {
        const files = path.join(folder, "archive");
        mkdirSync(files);
        let archive: Buffer;
        const http = createServer((_request, response) => {
            const etag = `"${createHash("sha256").update(archive).digest("hex")}"`;
            response.writeHead(200, { etag, "content-length": archive.length }).end(archive);
        });
        await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
        const context = `http://127.0.0.1:${(http.address() as AddressInfo).port}/a.tar.gz`;
        const pack = (word: string) => {
            writeFileSync(path.join(files, "Dockerfile"), `FROM scratch\nLABEL word=${word}\n`);
            archive = execFileSync("tar", ["--create", "--gzip", "--directory", files, "."]);
        };
        pack("one");
        const first = await build(await check("linux/amd64", { context }));
        expect(await labelsOf(first)).toEqual({ word: "one" });
        expect(resource.changes(first, await check("linux/amd64", { context }, first))).toEqual([]);
        pack("two");
        const second = await check("linux/amd64", { context }, first);
        expect(resource.changes(first, second)).toEqual(["archives"]);
        expect(await labelsOf(await build(second))).toEqual({ word: "two" });
        http.close();
        const unanswered = await check("linux/amd64", { context }, second);
        expect(resource.changes({ ...first, ...second }, unanswered)).toEqual([]);
        expect(said).toEqual([expect.stringContaining("whether it has changed is not known")]);
        expect(await check("linux/amd64", { context: server.address })).not.toHaveProperty("archives");
    });

    describe("with logins", () => {
        const secret = "S3KRET";
        const authorization = `Basic ${Buffer.from(`me:${secret}`).toString("base64")}`;
        const archive = (text: string) => {
            const files = mkdtempSync(path.join(folder, "archive-"));
            writeFileSync(path.join(files, "Dockerfile"), text);
            writeFileSync(path.join(files, "file"), "");
            return execFileSync("tar", ["--create", "--gzip", "--directory", files, "."]);
        };
        let packed: Buffer;
        let host: string;
        const http = createServer(({ headers }, response) => {
            const isLetIn = headers.authorization === authorization;
            response.writeHead(isLetIn ? 200 : 401, { etag: '"1"' }).end(isLetIn ? packed : "");
        });
        beforeAll(async () => {
            await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
            host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
        });
        afterAll(() => http.close());

        /** Everything that is printed or kept of an image, its attestations included. */
        const shown = async (changes: Partial<PlatformImageInputs>) => {
            const statuses: string[] = [];
            const told = { ...work("image"), status: (text: string) => statuses.push(text) };
            const checked = await resource.check(inputs("linux/amd64", changes), told, {});
            const { outputs } = await resource.create(checked, told);
            const { manifests } = JSON.parse(await buildkit.run("crane", ["manifest", outputs.ref]));
            const repository = outputs.ref.replace(/:[^:/]*@.*$/, "");
            const attested = manifests[1].digest;
            const { layers } = JSON.parse(await buildkit.run("crane", ["manifest", `${repository}@${attested}`]));
            const blobs = layers.map(({ digest }: { digest: string }) =>
                buildkit.run("crane", ["blob", `${repository}@${digest}`]),
            );
            return [JSON.stringify(outputs.receipt), ...statuses, ...said, ...(await Promise.all(blobs))].join("\n");
        };

        test("archives are fetched by a secret, which nothing shows", async () => {
            packed = archive("FROM scratch\nCOPY --from=other / /\n");
            const context = `http://${host}/a.tar.gz`;
            const secrets = { "HTTP_AUTH_HEADER_127.0.0.1": authorization };
            const text = await shown({ context, contexts: { other: context }, secrets, provenance: "max" });
            expect(text).toContain(context);
            expect(text).not.toContain(authorization.slice(6));
            expect(said).toEqual([]);
        });

        test("what a Dockerfile names by an address with a login is shown without it", async () => {
            packed = archive("");
            push("main", "one");
            const dockerfile = path.join(folder, "Dockerfile.add");
            writeFileSync(dockerfile, `FROM scratch\nADD http://me:${secret}@${host}/a?sig=${secret} /\n`);
            const statuses: string[] = [];
            const told = { ...work("image"), status: (text: string) => statuses.push(text) };
            const given = inputs("linux/amd64", { context: server.address, dockerfile, sourceLabels: false });
            const { outputs } = await resource.create(await resource.check(given, told, {}), told);
            expect(JSON.stringify([outputs.receipt, statuses])).not.toContain(secret);
            expect(JSON.stringify(outputs.receipt)).toContain(`ADD http://***@${host}/a?sig=*** /`);
            writeFileSync(dockerfile, `FROM scratch\nADD http://me:no-${secret}@${host}/a?sig=${secret} /\n`);
            const failed = resource.create(await resource.check(given, told, {}), told);
            await expect(failed).rejects.toThrow(`http://***@${host}/a?sig=***`);
            await expect(failed).rejects.not.toThrow(secret);
        });
    });

    describe("what it takes to fetch one is shown, without a password, and in the receipt:", () => {
        /** Milliseconds that the server waits before it answers. */
        const delay = 500;

        async function expectFetch(context: string, step: string, slowDown: () => void): Promise<void> {
            const checked = await check("linux/amd64", { context });
            slowDown();
            const { receipt } = await build(checked);
            const fetches = receipt.parts.filter(({ name }) => name.startsWith(step));
            expect(fetches).toEqual([expect.objectContaining({ kind: "context", cached: false })]);
            expect(receipt.total).toBeGreaterThanOrEqual(delay / 1000);
            expect(shown.filter((text) => text.startsWith(step))).toHaveLength(1);
            expect(JSON.stringify([shown, receipt])).not.toContain(server.token);
        }

        test("an archive", async () => {
            const files = path.join(folder, "slow");
            mkdirSync(files);
            writeFileSync(path.join(files, "Dockerfile"), "FROM scratch\nCOPY . /\n");
            const archive = execFileSync("tar", ["--create", "--gzip", "--directory", files, "."]);
            let wait = 0;
            const http = createServer((_request, response) => {
                setTimeout(() => response.writeHead(200, { etag: '"1"' }).end(archive), wait);
            });
            await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
            const context = `http://127.0.0.1:${(http.address() as AddressInfo).port}/slow.tar.gz`;
            await expectFetch(context, "[internal] load remote build context", () => {
                wait = delay;
            }).finally(() => http.close());
        });

        test("a git repository", async () => {
            push("main", "slow");
            const login = `x-access-token:${server.token}@`;
            const context = `${server.privateAddress.replace("://", `://${login}`)}#main`;
            await expectFetch(context, "[internal] load git source http://***@127.0.0.1", () => {
                server.delay = delay;
            }).finally(() => {
                server.delay = 0;
            });
        });
    });
});
