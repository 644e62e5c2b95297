import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { describeWithBuildkit } from "../../tests/helpers/buildkit";
import { find } from "../../tests/helpers/find";
import { describeUnless } from "../../tests/helpers/needs";
import { RemoteContextsBench } from "./remoteContextsBench";

jest.setTimeout(180_000);

const revision = "org.opencontainers.image.revision";

const describeHere = find("curl") ? describeWithBuildkit : describeUnless("curl is not on PATH");

describeHere("contexts that are elsewhere", () => {
    const bench = new RemoteContextsBench();
    const { folder, server } = bench;

    test("both platforms are built at the commit that was seen, whatever is pushed in between", async () => {
        const first = bench.push("main", "one");
        const context = `${server.address}#main`;
        const [amd64, arm64] = [
            await bench.check("linux/amd64", { context }),
            await bench.check("linux/arm64", { context }),
        ];
        const built = [await bench.build(amd64)];
        bench.push("main", "two");
        built.push(await bench.build(arm64));
        for (const one of built) {
            expect(await bench.labelsOf(one)).toEqual({ word: "one", [revision]: first });
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
                bench.push(branch, `${age}-${branch}`);
            }
            server.git("tag", "--force", "light", "work");
            server.git("tag", "--force", "--annotate", "--message", "a note", "noted", "work");
        };

        test.each(forms)("%s", async (_what, form, word) => {
            lay("old");
            const checked = await bench.check("linux/amd64", {
                context: form(server.address),
                secrets: { GIT_AUTH_TOKEN: server.token },
            });
            const branch = word.startsWith("main") ? "main" : "work";
            expect(Object.values(checked.commits ?? {})).toEqual([server.git("rev-parse", branch)]);
            if (isMoved) {
                lay("new");
            }
            expect(await bench.labelsOf(await bench.build(checked))).toMatchObject({ word: `old-${word}` });
            expect(bench.said).toEqual([]);
        });
    });

    test("a commit that is named stays, also beside a branch that moves", async () => {
        const first = server.commit("main", { Dockerfile: "FROM scratch\nCOPY --from=lib / /\nLABEL word=one\n" });
        bench.push("main", "two");
        const named = `${server.address}#${first}`;
        const contexts = { lib: `${server.address}#main` };
        const checked = await bench.check("linux/amd64", { context: named, contexts, sourceLabels: false });
        bench.push("main", "three");
        expect(await bench.labelsOf(await bench.build(checked))).toEqual({ word: "one" });
    });

    test("what a server does not say here is built by name, without a commit's label, and told once for an image", async () => {
        bench.push("main", "one");
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
            const checked = await bench.check("linux/amd64", { context }, olds);
            await bench.check("linux/arm64", { context }, olds);
            expect(bench.said).toEqual([
                expect.stringMatching(/its newest commit is not known, so it is taken as unchanged/),
            ]);
            expect(checked.commits).toEqual(olds.commits);
            expect(await bench.labelsOf(await bench.build(checked))).toEqual({ word: "one" });
        } finally {
            process.env = caller;
        }
    });

    test("a Dockerfile of this machine is built, its edits are changes, and no state has its path", async () => {
        bench.push("main", "repository");
        const dockerfile = path.join(folder, "Dockerfile");
        const write = (word: string) => writeFileSync(dockerfile, `FROM scratch\nCOPY sub /\nLABEL word=${word}\n`);
        write("here");
        const given = { context: `${server.address}#main`, dockerfile, sourceLabels: false };
        const first = await bench.build(await bench.check("linux/amd64", given));
        expect(await bench.labelsOf(first)).toEqual({ word: "here" });
        expect(JSON.stringify(first)).not.toContain(folder);
        expect(bench.resource.changes(first, await bench.check("linux/amd64", given, first))).toEqual([]);
        write("edited");
        const edited = await bench.check("linux/amd64", given, first);
        expect(bench.resource.changes(first, edited)).toEqual(["contextHash"]);
        expect(await bench.labelsOf(await bench.build(edited))).toEqual({ word: "edited" });
        await expect(bench.check("linux/amd64", { ...given, dockerfile: `${dockerfile}.gone` })).rejects.toThrow(
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
        const first = await bench.build(await bench.check("linux/amd64", { context }));
        expect(await bench.labelsOf(first)).toEqual({ word: "one" });
        expect(bench.resource.changes(first, await bench.check("linux/amd64", { context }, first))).toEqual([]);
        pack("two");
        const second = await bench.check("linux/amd64", { context }, first);
        expect(bench.resource.changes(first, second)).toEqual(["archives"]);
        expect(await bench.labelsOf(await bench.build(second))).toEqual({ word: "two" });
        http.close();
        const unanswered = await bench.check("linux/amd64", { context }, second);
        expect(bench.resource.changes({ ...first, ...second }, unanswered)).toEqual([]);
        expect(bench.said).toEqual([expect.stringContaining("whether it has changed is not known")]);
        expect(await bench.check("linux/amd64", { context: server.address })).not.toHaveProperty("archives");
    });
});
