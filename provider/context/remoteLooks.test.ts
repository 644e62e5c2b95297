import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from "node:net";
import * as path from "node:path";
import { find } from "../../tests/helpers/find";
import { GitServer } from "../../tests/helpers/gitServer";
import { describeUnless } from "../../tests/helpers/needs";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { RemoteLooks } from "./remoteLooks";
import type { Secrets } from "./secrets";

const testWithCurl = find("curl") ? test : test.skip;
const folder = temporaryFolder();
const inputs = (context: string, secrets = {}) => ({ context, contexts: {}, secrets });

async function listening(server: TcpServer): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    return (server.address() as AddressInfo).port;
}

afterAll(() => rmSync(folder, { recursive: true }));

describe("contexts in git", () => {
    const server = new GitServer(folder);
    beforeAll(() => server.start());
    afterAll(() => server.end());

    test("are asked for once in a run, for all images and folders of a branch", async () => {
        const looks = new RemoteLooks();
        const first = server.git("rev-parse", "main");
        const main = `${server.address}#main`;
        expect((await looks.versions("amd64", inputs(main), folder)).commits).toEqual({ [main]: first });
        const second = server.commit("main", {});
        const both = { ...inputs(`${main}:a`), contexts: { b: `${main}:b` } };
        expect((await looks.versions("arm64", both, folder)).commits).toEqual({
            [`${main}:a`]: first,
            [`${main}:b`]: first,
        });
        // As in the next run.
        expect((await looks.versions("amd64", inputs(main), folder)).commits).toEqual({ [main]: second });
    });

    test("behind a login are asked with what BuildKit would send, for the host it is meant for", async () => {
        const { privateAddress, token } = server;
        const commit = server.git("rev-parse", "main");
        const { host } = new URL(privateAddress);
        const header = `basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
        const asked = async (secrets: Secrets) =>
            new RemoteLooks().versions("image", inputs(privateAddress, secrets), folder);
        for (const secrets of [
            { GIT_AUTH_TOKEN: token },
            { [`GIT_AUTH_TOKEN.${host}`]: token, GIT_AUTH_HEADER: "basic wrong" },
            { GIT_AUTH_HEADER: header, GIT_AUTH_TOKEN: "wrong" },
            { [`GIT_AUTH_HEADER.${host}`]: header },
        ]) {
            expect(await asked(secrets)).toMatchObject({ commits: { [privateAddress]: commit }, notAsked: [] });
        }
        for (const secrets of [{}, { "GIT_AUTH_TOKEN.other.example": token }, { GIT_AUTH_TOKEN: "wr0ng" }]) {
            const { commits, notAsked } = await asked(secrets);
            expect(commits).toEqual({});
            expect(notAsked).toEqual([expect.stringMatching(/its newest commit is not known, .*: fatal: /)]);
            expect(notAsked.join()).not.toMatch(/wr0ng|x-access-token|basic/i);
        }
    });

    test.each([
        ["the server", ({ origin }: URL) => `http.${origin}/.extraheader`],
        ["the repository", ({ href }: URL) => `http.${href}.extraheader`],
        ["every server", () => "http.extraheader"],
    ])("behind a login get that alone, where a CI job's checkout has one of its own for %s", async (_whose, key) => {
        const { privateAddress, token } = server;
        const project = mkdtempSync(path.join(folder, "project-"));
        const git = (...args: string[]) => execFileSync("git", args, { cwd: project });
        git("init", "--quiet");
        git("config", key(new URL(privateAddress)), "AUTHORIZATION: basic b3RoZXI=");
        const asked = new RemoteLooks().versions("image", inputs(privateAddress, { GIT_AUTH_TOKEN: token }), project);
        expect(await asked).toMatchObject({
            commits: { [privateAddress]: server.git("rev-parse", "main") },
            notAsked: [],
        });
    });

    test("keep the caller's configuration beside the login, and print no secret for a caller who traces", async () => {
        const { privateAddress, token } = server;
        const renamed = "http://renamed.example/repo.git";
        const caller = process.env;
        process.env = {
            ...caller,
            GIT_CONFIG_COUNT: "1",
            GIT_CONFIG_KEY_0: `url.${privateAddress}.insteadOf`,
            GIT_CONFIG_VALUE_0: renamed,
            GIT_DIR: "/nowhere",
            GIT_CURL_VERBOSE: "1",
            GIT_TRACE_REDACT: "0",
        };
        try {
            const looks = new RemoteLooks();
            const { notAsked } = await looks.versions("image", inputs(renamed, { GIT_AUTH_TOKEN: token }), folder);
            // The token is for another address than that which git asks.
            expect(notAsked).toEqual([expect.stringMatching(/^http:\/\/renamed\.example\/repo\.git: .*127\.0\.0\.1/)]);
            const { commits } = await looks.versions(
                "image",
                inputs(privateAddress, { GIT_AUTH_TOKEN: token }),
                folder,
            );
            expect(Object.keys(commits)).toEqual([privateAddress]);
        } finally {
            process.env = caller;
        }
    });

    test("of a server that does not answer are waited for once, and are as they were known", async () => {
        const silent = createServer((socket) => socket.on("error", () => undefined).destroy());
        let connections = 0;
        silent.on("connection", () => {
            connections += 1;
        });
        const address = `git://127.0.0.1:${await listening(silent)}/repo.git`;
        const looks = new RemoteLooks();
        for (const image of ["amd64", "arm64"]) {
            const { commits, notAsked } = await looks.versions(image, inputs(address), folder, {
                commits: { [address]: "known" },
            });
            expect(commits).toEqual({ [address]: "known" });
            expect(notAsked).toEqual([expect.stringContaining("so it is taken as unchanged")]);
            expect(looks.commitsSeenBy(image)).toEqual({});
        }
        expect(connections).toBe(1);
        silent.close();
    });
});

describe("servers that cannot be reached", () => {
    const git = new GitServer(mkdtempSync(path.join(folder, "reached-")));
    const silent = createServer((socket) => sockets.push(socket.on("error", () => undefined)));
    const sockets: Socket[] = [];
    let host: string;

    beforeAll(async () => {
        await git.start();
        host = `127.0.0.1:${await listening(silent)}`;
    });
    afterAll(() => {
        git.end();
        silent.close();
        for (const socket of sockets) {
            socket.destroy();
        }
    });
    beforeEach(() => {
        sockets.length = 0;
    });
    testWithCurl(
        "are waited for twice in a run where they only keep quiet, whatever is asked for there, and again in the next",
        async () => {
            // In which git and curl have started and connected, on a busy machine too.
            const seconds = 10;
            const looks = new RemoteLooks(seconds);
            const ask = async (image: string) => {
                const [context, archive] = [`git://${host}/${image}.git`, `http://${host}/${image}.tar`];
                const { notAsked } = await looks.versions(image, { ...inputs(context), contexts: { archive } }, folder);
                expect(notAsked).toEqual([
                    expect.stringMatching(`^${context}: .* is taken as unchanged: .*no answer within ${seconds} s$`),
                    expect.stringMatching(
                        `^${archive}: .* is taken as unchanged: (.*: )?no answer within ${seconds} s$`,
                    ),
                ]);
                return sockets.length;
            };
            expect([await ask("one"), await ask("two"), await ask("three")]).toEqual([2, 4, 4]);
            expect([await ask("two"), await ask("one"), await ask("three")]).toEqual([6, 8, 8]);
        },
        180_000,
    );

    test.each(["git://127.0.0.1:1", "http://127.0.0.1:1", "http://nowhere.invalid"])(
        "at %s are remembered with the reason",
        async (server) => {
            const looks = new RemoteLooks();
            const reasonOf = async (image: string) => {
                const { notAsked } = await looks.versions(image, inputs(`${server}/${image}.git`), folder);
                return notAsked.join().replace(/^.* is taken as unchanged: /, "");
            };
            const reason = await reasonOf("one");
            expect(reason).toMatch(`${server}/one.git: `);
            expect(await reasonOf("two")).toBe(`its server was asked for another before: ${reason}`);
        },
    );

    test("are those that git's configuration leads to", async () => {
        const project = mkdtempSync(path.join(folder, "project-"));
        const mirrored = "git://127.0.0.1:1/mirrored/repo.git";
        execFileSync("git", ["init", "--quiet"], { cwd: project });
        execFileSync("git", ["config", `url.${git.address}.insteadOf`, mirrored], { cwd: project });
        const looks = new RemoteLooks();
        expect((await looks.versions("one", inputs("git://127.0.0.1:1/repo.git"), project)).notAsked).toHaveLength(1);
        expect(await looks.versions("two", inputs(mirrored), project)).toMatchObject({
            commits: { [mirrored]: git.git("rev-parse", "main") },
            notAsked: [],
        });
    });
});

describeUnless(find("curl") ? undefined : "curl is not on PATH")("archives", () => {
    let server: Server;
    let address: string;
    let headers: { [name: string]: string };
    let status: number;
    let wanted: string | undefined;
    let requests: string[];

    beforeAll(async () => {
        server = createHttpServer(({ method, headers: { authorization } }, response) => {
            requests.push(`${method}`);
            response.writeHead(authorization === wanted ? status : 401, headers).end();
        });
        address = `http://127.0.0.1:${await listening(server)}/a.tar.gz`;
    });
    afterAll(() => server.close());
    beforeEach(() => {
        [headers, status, wanted, requests] = [{}, 200, undefined, []];
    });

    const versionsOf = (context: string, secrets = {}, known = {}) =>
        new RemoteLooks().versions("image", inputs(context, secrets), folder, {
            archives: { [context]: "old" },
            ...known,
        });

    test.each([
        ["their ETags", { etag: '"1"', "last-modified": "today" }, '"1"'],
        ["weak ETags, which say the same", { etag: 'W/"1"' }, '"1"'],
        ["the times of their last changes, where they have no ETag", { "last-modified": "today" }, "today"],
    ])("are known by %s", async (_what, given, version) => {
        headers = given;
        expect(await versionsOf(address)).toEqual({ commits: {}, archives: { [address]: version }, notAsked: [] });
        expect(requests).toEqual(["HEAD"]);
    });

    test.each<[string, () => void, string]>([
        ["that have neither", () => undefined, "the server says neither ETag nor Last-Modified"],
        [
            "of a server that takes neither HEAD nor GET",
            () => {
                status = 405;
            },
            "HTTP status 405",
        ],
    ])("%s are taken as unchanged, with a word", async (_what, arrange, reason) => {
        arrange();
        expect(await versionsOf(address)).toEqual({
            commits: {},
            archives: { [address]: "old" },
            notAsked: [`${address}: whether it has changed is not known, so it is taken as unchanged: ${reason}`],
        });
    });

    test("of no server are taken as unchanged, with the reason", async () => {
        const { notAsked } = await versionsOf("http://127.0.0.1:1/a.tar.gz");
        expect(notAsked).toEqual([expect.stringMatching(/: Failed to connect to 127\.0\.0\.1 port 1\b/)]);
    });

    test.each([
        ["a token", "Bearer t", { "HTTP_AUTH_TOKEN_127.0.0.1": "t", "HTTP_AUTH_HEADER_127.0.0.1": "h" }],
        ["a header", "h", { "HTTP_AUTH_HEADER_127.0.0.1": "h" }],
    ])("behind a login are asked with %s, as BuildKit would", async (_what, authorization, secrets) => {
        [wanted, headers] = [authorization, { etag: "1" }];
        expect((await versionsOf(address, secrets)).archives).toEqual({ [address]: "1" });
    });

    test("whose server cannot be asked are named without the values of their queries", async () => {
        status = 403;
        const { notAsked } = await versionsOf(`${address}?X-Amz-Signature=S3KRET`);
        expect(notAsked).toEqual([expect.stringMatching(/\?X-Amz-Signature=\*\*\*: whether .*: HTTP status 403$/)]);
    });

    test("a secret that is no header is not in the message", async () => {
        const { notAsked } = await versionsOf(address, { "HTTP_AUTH_TOKEN_127.0.0.1": "t0ken\nline" });
        expect(notAsked).toHaveLength(1);
        expect(notAsked.join()).not.toContain("t0ken");
    });
});
