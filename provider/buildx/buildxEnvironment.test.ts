import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import * as path from "node:path";
import { registryHost } from "../../tests/e2e/project";
import { Buildkit } from "../../tests/helpers/buildkit";
import { fromStep } from "../../tests/helpers/stepImage";
import { withBuildx } from "./buildx";

jest.setTimeout(120_000);

const buildkit = new Buildkit();
let context: string;
let digest: string;
beforeAll(async () => {
    await buildkit.start();
    context = buildkit.context("app", fromStep);
    digest = (await buildkit.build({ context })).digest;
});
afterAll(() => buildkit.end());

/** A docker configuration of the caller's, and programs on the caller's PATH. */
function caller(
    name: string,
    config: object | undefined,
    programs: { [name: string]: string } = {},
): NodeJS.ProcessEnv {
    const home = path.join(buildkit.folder, name);
    mkdirSync(path.join(home, ".docker"), { recursive: true });
    if (config) {
        writeFileSync(path.join(home, ".docker/config.json"), JSON.stringify(config));
    }
    for (const [program, script] of Object.entries(programs)) {
        writeFileSync(path.join(home, program), `#!/bin/sh\n${script}\n`);
        chmodSync(path.join(home, program), 0o755);
    }
    return {
        HOME: home,
        PATH: `${home}:${buildkit.environment.PATH}`,
        BUILDX_CONFIG: path.join(buildkit.environment.HOME ?? "", ".docker/buildx"),
    };
}

test.each<[string, NodeJS.ProcessEnv]>([
    ["BUILDX_BUILDER of nobody's", { BUILDX_BUILDER: "nobody" }],
    ["BUILDKIT_HOST", { BUILDKIT_HOST: "tcp://127.0.0.1:9" }],
    ["DOCKER_HOST", { DOCKER_HOST: "tcp://127.0.0.1:9", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/nowhere" }],
    ["DOCKER_CONTEXT", { DOCKER_CONTEXT: "nowhere" }],
    ["DOCKER_BUILDKIT=0", { DOCKER_BUILDKIT: "0" }],
    ["DOCKER_BUILDKIT=off", { DOCKER_BUILDKIT: "off" }],
    ["DOCKER_DEFAULT_PLATFORM", { DOCKER_DEFAULT_PLATFORM: "linux/s390x" }],
    [
        "settings of buildx",
        { BUILDX_NO_DEFAULT_ATTESTATIONS: "maybe", BUILDX_GIT_LABELS: "full", BUILDX_EXPERIMENTAL: "1" },
    ],
    ["a source policy", { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: "/nowhere" }],
    ["SOURCE_DATE_EPOCH", { SOURCE_DATE_EPOCH: "never" }],
    ["DEBUG", { DEBUG: "1" }],
    [
        "a collector of traces that is not there",
        { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", TRACEPARENT: "x" },
    ],
])("a caller with %s", async (_what, environment) => {
    // Nothing of it is in the image.
    expect((await buildkit.build({ context }, {}, { environment })).digest).toBe(digest);
});

test.each<[string, object | undefined, { [name: string]: string }]>([
    ["none", undefined, {}],
    ["a credential store that is not installed", { credsStore: "missing" }, {}],
    ["a credential store that fails", { credsStore: "broken" }, { "docker-credential-broken": "echo locked; exit 1" }],
    ["a credential store that cannot list", { credsStore: "shy" }, { "docker-credential-shy": "exit 2" }],
    ["a credential program that fails for a registry", { credHelpers: { "127.0.0.1": "missing" } }, {}],
    ["a context that is not there", { currentContext: "nowhere" }, {}],
])("a caller whose docker configuration has %s", async (what, config, programs) => {
    const environment = caller(what.replaceAll(" ", "-"), config, programs);
    const app = buildkit.context("from-app", [`FROM ${buildkit.registry}/app:latest`]);
    await buildkit.build({ context }, {}, { environment });
    // Public images can be pulled.
    await buildkit.build(
        { context: app, tags: [`${buildkit.registry}/other:latest`], pull: true },
        {},
        { environment },
    );
});

test("a caller whose home has blanks and letters outside ASCII", async () => {
    const environment = caller('a home, for "Jörg" Ünï', { credsStore: "missing" });
    const folder = buildkit.context('ein Ördner, "so"/and below', fromStep);
    const dockerfile = path.join(folder, "Dockerfile");
    await buildkit.build({ context: folder, dockerfile, contexts: { more: folder } }, {}, { environment });
});

test("where docker's configuration cannot be written to, builders are kept elsewhere", async () => {
    const home = path.join(buildkit.folder, "locked");
    // A file where the folder would be: also root cannot write below it.
    mkdirSync(home);
    writeFileSync(path.join(home, ".docker"), "");
    const environment = { ...buildkit.environment, HOME: home };
    const records = await withBuildx({ logins: [], environment }, async (buildx) => buildx.environment.BUILDX_CONFIG);
    expect(records).toBe(path.join(buildkit.folder, "data/buildx"));
    expect(readdirSync(records ?? "")).toEqual([]);
});

/** A proxy that counts who asks it, and the environment of a caller who has it. */
async function countingProxy() {
    const asked: string[] = [];
    const server = createServer((socket) => {
        asked.push("asked");
        socket.destroy();
    });
    const port = await portOf(server, "127.0.0.1");
    const names = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"];
    const proxies = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${port}`]));
    return { asked, server, environment: { ...buildkit.environment, ...proxies, NO_PROXY: "example.org" } };
}

function portOf(server: Server, host: string): Promise<number> {
    return new Promise((resolve) => server.listen(0, host, () => resolve((server.address() as AddressInfo).port)));
}

test("no proxy is asked for a runner", async () => {
    // Under an address that is not a loopback: for those no program asks a proxy.
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const host = own.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "";
    expect(host).not.toBe("");
    const runner = createServer((socket) => {
        const daemon = connect(path.join(buildkit.folder, "buildkitd.sock"));
        socket.pipe(daemon).pipe(socket);
        socket.on("error", () => daemon.destroy());
        daemon.on("error", () => socket.destroy());
    });
    const endpoint = `tcp://${host}:${await portOf(runner, host)}`;
    await buildkit.run("buildx", ["create", "--name", "far", "--driver", "remote", endpoint]);
    const { asked, server, environment } = await countingProxy();
    try {
        expect((await buildkit.build({ context, builder: "far" }, {}, { environment })).digest).toBe(digest);
        expect(asked).toEqual([]);
    } finally {
        server.close();
        runner.close();
    }
});

describe("logins", () => {
    test("of this build, before those of the caller and a credential store; those of other registries are the caller's", async () => {
        const environment = caller("logins", {
            credsStore: "store",
            credHelpers: { "127.0.0.1:1": "store" },
            auths: { "https://127.0.0.1:1/v1/": { auth: "old" }, "other.example": { auth: "kept" } },
        });
        const login = { address: "127.0.0.1:1", username: "me", password: 'it\'s "secret": ö' };
        const folder = await withBuildx({ logins: [login], environment }, async (buildx) => {
            const file = path.join(buildx.environment.DOCKER_CONFIG ?? "", "config.json");
            const config = JSON.parse(readFileSync(file, "utf8"));
            expect(config.credHelpers).toEqual({ "127.0.0.1:1": "" });
            expect(config.credsStore).toBe("native-buildx-store");
            expect(Object.keys(config.auths)).toEqual(["other.example", "127.0.0.1:1"]);
            const auth = Buffer.from(config.auths["127.0.0.1:1"].auth, "base64").toString();
            expect(auth).toBe('me:it\'s "secret": ö');
            return path.dirname(file);
        });
        expect(() => readdirSync(folder)).toThrow("ENOENT");
    });

    test.each(["docker.io", "index.docker.io"])(
        "at Docker Hub, %s, are where docker looks for them",
        async (address) => {
            const environment = caller(`hub ${address}`, {
                credHelpers: { "https://index.docker.io/v1/": "store", "registry-1.docker.io": "store" },
                auths: { "https://index.docker.io/v1/": { auth: "old" }, "docker.io": { auth: "old" } },
            });
            const login = { address, username: "me", password: "mine" };
            await withBuildx({ logins: [login], environment }, async (buildx) => {
                const file = path.join(buildx.environment.DOCKER_CONFIG ?? "", "config.json");
                const config = JSON.parse(readFileSync(file, "utf8"));
                const auth = Buffer.from("me:mine").toString("base64");
                expect(config.auths).toEqual({ "https://index.docker.io/v1/": { auth } });
                expect(config.credHelpers).toEqual({ "https://index.docker.io/v1/": "" });
            });
        },
    );

    test("the caller's DOCKER_AUTH_CONFIG counts for other registries only", async () => {
        const auths = { "127.0.0.1:1": { auth: "dDp0" }, "other.example": { auth: "dTpw" } };
        const environment = {
            ...caller("variable", { credsStore: "store" }),
            DOCKER_AUTH_CONFIG: JSON.stringify({ auths }),
        };
        const login = { address: "127.0.0.1:1", username: "me", password: "mine" };
        await withBuildx({ logins: [login], environment }, async (buildx) => {
            const file = path.join(buildx.environment.DOCKER_CONFIG ?? "", "config.json");
            const config = JSON.parse(readFileSync(file, "utf8"));
            expect(config.auths["other.example"]).toEqual({ auth: "dTpw" });
            expect(config.credHelpers).toEqual({ "other.example": "", "127.0.0.1:1": "" });
            expect(Buffer.from(config.auths["127.0.0.1:1"].auth, "base64").toString()).toBe("me:mine");
            expect(buildx.environment.DOCKER_AUTH_CONFIG).toBeUndefined();
        });
    });

    test("no proxy is asked for a registry on this machine, and the caller's for any other", async () => {
        const { asked, server, environment } = await countingProxy();
        try {
            const here = `${registryHost}:9`;
            const references = [`${here}/app:1`, `${here}/app:2`, "elsewhere.invalid/app:1", "acme/app"];
            await withBuildx({ logins: [], references, environment }, async (buildx) => {
                expect(buildx.environment).toMatchObject({
                    NO_PROXY: `example.org,${registryHost}`,
                    no_proxy: `example.org,${registryHost}`,
                });
                await expect(buildx.digestOf(`${here}/app:1`)).rejects.toThrow("connection refused");
                expect(asked).toEqual([]);
                await expect(buildx.digestOf("elsewhere.invalid/app:1")).rejects.toThrow("elsewhere.invalid");
                expect(asked).not.toEqual([]);
            });
        } finally {
            server.close();
        }
    });

    describe("at a registry that wants them", () => {
        const me = () => ({ address: buildkit.privateRegistry, username: "me", password: "secret" });
        const tags = () => [`${buildkit.privateRegistry}/app:latest`];
        const credentials = JSON.stringify({ Username: "me", Secret: "secret" });
        let base: string;

        beforeAll(async () => {
            await buildkit.startPrivateRegistry();
            await buildkit.build({ context, tags: tags() }, {}, { logins: [me()] });
            base = buildkit.context("private-base", [`FROM ${buildkit.privateRegistry}/app:latest`]);
        });

        test("the build's own are used, whatever the caller's store has for it", async () => {
            const environment = caller(
                "store",
                { credsStore: "wrong", credHelpers: { [buildkit.privateRegistry]: "wrong" } },
                {
                    "docker-credential-wrong": `echo '{"Username": "you", "Secret": "wrong"}'`,
                },
            );
            await buildkit.build({ context, tags: tags() }, {}, { logins: [me()], environment });
            await withBuildx({ logins: [me()], environment }, async (buildx) => {
                expect(await buildx.digestOf(tags()[0] ?? "")).toMatch(/^sha256:/);
            });
        });

        test.each([
            ["in the file", () => ({ auths: { [buildkit.privateRegistry]: { auth: "bWU6c2VjcmV0" } } })],
            ["in a store", () => ({ credsStore: "good" })],
            ["of a program for it", () => ({ credHelpers: { [buildkit.privateRegistry]: "good" } })],
        ])("the caller's, %s, are used for a private base", async (what, config) => {
            const environment = caller(`base ${what}`, config(), {
                "docker-credential-good": `echo warning >&2; [ "$1" = get ] && echo '${credentials}'`,
            });
            await buildkit.build({ context: base, pull: true }, {}, { environment });
        });

        test("without any, a push says that it was refused, and a pull what the caller's program said", async () => {
            await expect(buildkit.build({ context, tags: tags() })).rejects.toThrow("The registry refused the push");
            const locked = caller(
                "locked keyring",
                { credsStore: "locked" },
                {
                    "docker-credential-locked": "echo 'the keyring is locked'; exit 1",
                },
            );
            await expect(buildkit.build({ context: base, pull: true }, {}, { environment: locked })).rejects.toThrow(
                `docker-credential-locked for ${buildkit.privateRegistry}: the keyring is locked`,
            );
            const missing = caller("no program", { credsStore: "missing" });
            await expect(buildkit.build({ context: base, pull: true }, {}, { environment: missing })).rejects.toThrow(
                /docker-credential-missing for \S+: .*not found/,
            );
        });
    });
});
