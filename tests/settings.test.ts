import dns from "node:dns/promises";
import fs from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { architectures, knownPlatforms, type Platform } from "../components/architecture";
import { machineMistakes } from "../components/configuration/machine";
import {
    type RawSettings,
    readSettings,
    settingMistakes,
    throwMistakes,
} from "../components/configuration/readSettings";
import { localPorts } from "../components/configuration/settings";
import { mockPulumi, resolved, settled } from "./pulumiMocks";

const right: RawSettings = {
    runnerType: "local",
    platforms: ["linux/amd64", "linux/arm64"],
    images: {},
    buildSecrets: [],
    idleMinutes: 15,
    buildsPerRunner: 4,
    cacheGigabytes: 30,
    localPort: 7443,
    registryHost: "registry.native-buildx.internal",
};
const mistakesWith = (changes: Partial<RawSettings>) => settingMistakes({ ...right, ...changes }, __dirname);

describe("settings", () => {
    it.each<[string, Partial<RawSettings>]>([
        ["as Pulumi.yaml has them", {}],
        ["EC2 runners", { runnerType: "ec2" }],
        ["one platform", { platforms: ["linux/arm64"] }],
        ["never idle", { idleMinutes: 0 }],
        ["the least", { cacheGigabytes: 1, localPort: 1024 }],
        [
            "the most",
            {
                idleMinutes: 10080,
                cacheGigabytes: 16000,
                localPort: 65533,
            },
        ],
    ])("are right: %s", (_what, changes) => {
        expect(mistakesWith(changes)).toEqual([]);
    });

    it.each<[string, Partial<RawSettings>, string[]]>([
        [
            "a runner type that does not exist",
            { runnerType: "gcp" },
            ['runnerType: there is no "gcp"; use one of: local, ec2'],
        ],
        ["no runner type", { runnerType: undefined }, ['runnerType: there is no "undefined"; use one of: local, ec2']],
        [
            "an unknown platform",
            { platforms: ["linux/amd64", "linux/riscv64"] },
            ['platforms: unknown platform "linux/riscv64"; use: linux/amd64, linux/arm64'],
        ],
        [
            "an architecture in place of a platform",
            { platforms: ["arm64"] },
            ['platforms: unknown platform "arm64"; use: linux/amd64, linux/arm64'],
        ],
        [
            "a platform twice",
            { platforms: ["linux/arm64", "linux/amd64", "linux/arm64", "linux/arm64"] },
            ['platforms: "linux/arm64" is there twice; take one out'],
        ],
        ["no platform", { platforms: [] }, ["platforms: must be a list of at least one of: linux/amd64, linux/arm64"]],
        [
            "platforms that are no list",
            { platforms: "linux/arm64" },
            ["platforms: must be a list of at least one of: linux/amd64, linux/arm64"],
        ],
        ["negative idleMinutes", { idleMinutes: -1 }, ["idleMinutes: must be a whole number from 0 to 10080, not -1"]],
        ["half a minute", { idleMinutes: 0.5 }, ["idleMinutes: must be a whole number from 0 to 10080, not 0.5"]],
        ["no cache", { cacheGigabytes: 0 }, ["cacheGigabytes: must be a whole number from 1 to 16000, not 0"]],
        ["a port for root", { localPort: 443 }, ["localPort: must be a whole number from 1024 to 65533, not 443"]],
        [
            "a port too high for all",
            { localPort: 65534 },
            ["localPort: must be a whole number from 1024 to 65533, not 65534"],
        ],
        ["a port as text", { localPort: "7443" }, ['localPort: must be a whole number from 1024 to 65533, not "7443"']],
        [
            "a mistake in an image",
            { images: { app: { context: "gone" } } },
            ["images.app.context: folder gone does not exist; create it or correct the path"],
        ],
    ])("are wrong: %s", (_what, changes, mistakes) => {
        expect(mistakesWith(changes)).toEqual(mistakes);
    });

    it("tell all mistakes together", () => {
        const mistakes = mistakesWith({
            runnerType: "gcp",
            platforms: ["linux/amd64", "linux/amd64", "linux/mips"],
            idleMinutes: -1,
            images: { app: { tags: ["no blanks"] } },
        });
        expect(mistakes.map((mistake) => mistake.split(":")[0])).toEqual([
            "runnerType",
            "idleMinutes",
            "platforms",
            "platforms",
            "images.app.context",
            "images.app.tags",
        ]);
    });

    it.each<[string, unknown]>([
        ["all platforms are unknown", ["linux/riscv64", "arm64"]],
        ["there are no platforms", []],
        ["platforms is no list", "linux/arm64"],
    ])("tell what images lack when %s", (_what, platforms) => {
        const project = fs.mkdtempSync(path.join(tmpdir(), "nbx-project-"));
        fs.mkdirSync(path.join(project, "empty"));
        const images = {
            none: {},
            gone: { context: "gone" },
            empty: { context: "empty" },
            fine: { context: "empty", dockerfile: "empty" },
            // Theirs depend on the platforms.
            platforms: { context: "{arch}" },
            override: { context: "gone", overrides: { "linux/arm64": { context: "empty", dockerfile: "empty" } } },
        };
        const mistakes = settingMistakes({ ...right, platforms, images }, project);
        fs.rmSync(project, { recursive: true });
        expect(mistakes.filter((mistake) => !mistake.startsWith("platforms: "))).toEqual([
            "images.none.context: missing; write the folder of the build context, relative to the project",
            "images.gone.context: folder gone does not exist; create it or correct the path",
            "images.empty.dockerfile: file empty/Dockerfile does not exist; create it or name another",
        ]);
        expect(mistakes.filter((mistake) => mistake.startsWith("platforms: ")).length).toBeGreaterThan(0);
    });

    it("become one error, a line each", () => {
        expect(() => throwMistakes([])).not.toThrow();
        expect(() => throwMistakes(["a: x"])).toThrow(
            new pulumi.RunError("The configuration has a mistake:\n  - a: x"),
        );
        expect(() => throwMistakes(["a: x", "b: y"])).toThrow(
            new pulumi.RunError("The configuration has mistakes:\n  - a: x\n  - b: y"),
        );
    });

    it("give every platform a port of its own after the registry's", () => {
        const ports = localPorts({ localPort: 7443 });
        expect(ports).toEqual({ registry: 7443, "linux/amd64": 7444, "linux/arm64": 7445 });
        expect(new Set(Object.values(ports)).size).toBe(knownPlatforms.length + 1);
    });
});

/** Keeps the tests off this machine: its data folder, its emulators, its names. */
const environment = { ...process.env };
let home: string;
let rules: { [registration: string]: string };
let addresses: { [host: string]: string };

beforeEach(() => {
    home = fs.mkdtempSync(path.join(tmpdir(), "nbx-settings-"));
    process.env.NATIVE_BUILDX_HOME = home;
    process.env.SSL_CERT_DIR = `/etc/ssl/certs:${home}/trust`;
    rules = Object.fromEntries(
        knownPlatforms.map((platform) => [architectures[platform].binfmt, "enabled\ninterpreter /qemu\nflags: OCF\n"]),
    );
    addresses = { "registry.example": "127.0.0.1" };
    const binfmt = "/proc/sys/fs/binfmt_misc/";
    const { existsSync, readFileSync } = fs;
    jest.spyOn(fs, "existsSync").mockImplementation((file) =>
        String(file).startsWith(binfmt) ? path.basename(String(file)) in rules : existsSync(file),
    );
    jest.spyOn(fs, "readFileSync").mockImplementation(((file: string, options: "utf8") =>
        String(file).startsWith(binfmt)
            ? (rules[path.basename(file)] ?? "")
            : readFileSync(file, options)) as typeof fs.readFileSync);
    jest.spyOn(dns, "lookup").mockImplementation((async (host: string) => {
        const address = addresses[host];
        if (!address) {
            throw new Error(`getaddrinfo ENOTFOUND ${host}`);
        }
        return { address, family: 4 };
    }) as typeof dns.lookup);
});
afterEach(() => {
    jest.restoreAllMocks();
    fs.rmSync(home, { recursive: true });
    process.env = { ...environment };
});

const foreign = knownPlatforms.find((platform) => architectures[platform].nodeArch !== process.arch) as Platform;
const native = knownPlatforms.find((platform) => architectures[platform].nodeArch === process.arch) as Platform;

/** Some port that nobody uses, and the servers that use one. */
const servers: Server[] = [];
async function listen(): Promise<number> {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => {
        server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    return (server.address() as { port: number }).port;
}
afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe("this machine", () => {
    const mistakesOf = (changes: Partial<Parameters<typeof machineMistakes>[0]> = {}, stackFolder = "demo-dev") =>
        machineMistakes(
            { platforms: [], localPort: Number.NaN, registryHost: "registry.example", ...changes },
            stackFolder,
        );

    it("can be runners and registry", async () => {
        expect(await mistakesOf({ platforms: knownPlatforms })).toEqual([]);
    });

    it.each<[string, string | undefined]>([
        ["is missing", undefined],
        ["is disabled", "disabled\ninterpreter /qemu\nflags: OCF\n"],
        ["has no flag F", "enabled\ninterpreter /qemu\nflags: OC\n"],
    ])("cannot build a foreign platform whose emulator's registration %s", async (_what, rule) => {
        rules = rule === undefined ? {} : { [architectures[foreign].binfmt]: rule };
        expect(await mistakesOf({ platforms: knownPlatforms })).toEqual([
            `platforms: ${foreign} is foreign to this machine and QEMU is not registered for it ` +
                `(/proc/sys/fs/binfmt_misc/${architectures[foreign].binfmt}, flag F); ` +
                "run tools/setup.sh as root, or take the platform out",
        ]);
        expect(await mistakesOf({ platforms: [native] })).toEqual([]);
    });

    it.each(["localhost", "127.0.0.1", "::1", "[::1]", "registry.example:5000", "my registry", "-x", ""])(
        "cannot have a registry that goes by %j",
        async (registryHost) => {
            expect(await mistakesOf({ registryHost })).toEqual([
                `registryHost: "${registryHost}" must be a host name other than localhost, and no address`,
            ]);
        },
    );

    it("must know the registry's name as its own", async () => {
        const remedy = "echo '127.0.0.1 other.example' | sudo tee -a /etc/hosts";
        expect(await mistakesOf({ registryHost: "other.example" })).toEqual([
            `registryHost: other.example is not known on this machine; run tools/setup.sh as root, or: ${remedy}`,
        ]);
        addresses["other.example"] = "192.0.2.1";
        expect(await mistakesOf({ registryHost: "other.example" })).toEqual([
            `registryHost: other.example leads to 192.0.2.1, not to this machine alone; choose another name, or: ${remedy}`,
        ]);
    });

    it("must have the ports free", async () => {
        const port = await listen();
        const told = async (localPort: number, platforms: Platform[]) =>
            (await mistakesOf({ localPort, platforms })).filter((mistake) => mistake.includes(`port ${port},`));
        const remedy = (ports: number) =>
            `end that, or choose another first port (${ports} in a row are used): pulumi config set localPort NUMBER`;
        expect(await told(port, ["linux/arm64"])).toEqual([
            `localPort: port ${port}, for the registry, is in use by something else; ${remedy(2)}`,
        ]);
        expect(await told(port - 2, ["linux/amd64", "linux/arm64"])).toEqual([
            `localPort: port ${port}, for the linux/arm64 runner, is in use by something else; ${remedy(3)}`,
        ]);
        // Nobody's, when that platform is not built.
        expect(await told(port - 2, ["linux/amd64"])).toEqual([]);
    });

    it("may have the ports in use by the stack's own processes", async () => {
        const port = await listen();
        const told = async () =>
            (await mistakesOf({ localPort: port })).filter((mistake) => mistake.includes(`port ${port},`));
        const folder = path.join(home, "demo-dev", "registry");
        fs.mkdirSync(folder, { recursive: true });
        fs.writeFileSync(path.join(folder, "pid"), `${process.pid}\n`);
        expect(await told()).toEqual([]);
        // One that is gone: no process has so high a number.
        fs.writeFileSync(path.join(folder, "pid"), "4194999\n");
        expect(await told()).toHaveLength(1);
    });

    it.each([undefined, "", "/etc/ssl/certs", "/trust"])(
        "must trust the registry: SSL_CERT_DIR %j",
        async (folders) => {
            delete process.env.SSL_CERT_DIR;
            if (folders !== undefined) {
                process.env.SSL_CERT_DIR = folders;
            }
            expect(await mistakesOf()).toEqual([
                `SSL_CERT_DIR: does not name ${home}/trust, so the local registry's certificate would not be trusted; ` +
                    "run this in the project's folder first: . ./tools/env.sh",
            ]);
        },
    );

    it("must have a short enough data folder for sockets", async () => {
        // Of 107 characters, "/NAME/amd64/buildkitd.sock" needs 22 besides the name.
        const longest = 107 - home.length - "//amd64/buildkitd.sock".length;
        expect(await mistakesOf({}, "n".repeat(longest))).toEqual([]);
        expect(await mistakesOf({}, "n".repeat(longest + 3))).toEqual([
            `NATIVE_BUILDX_HOME: ${home} is too long a path by 3 characters for a unix socket; set it to a shorter one`,
        ]);
    });
});

describe("the configuration of a stack", () => {
    beforeEach(async () => {
        await mockPulumi();
    });
    afterEach(async () => {
        await settled();
        pulumi.runtime.setAllConfig({});
    });

    const defaults = {
        runnerType: "local",
        platforms: JSON.stringify([native]),
        idleMinutes: "15",
        cacheGigabytes: "30",
        registryHost: "registry.example",
    };
    const read = async (changes: { [setting: string]: string }) => {
        const port = await listen();
        const folder = path.join(home, "demo-dev");
        // As if the stack's own processes had the ports: others may have those around them.
        for (const part of ["registry", architectures[native].suffix]) {
            fs.mkdirSync(path.join(folder, part), { recursive: true });
            fs.writeFileSync(path.join(folder, part, "pid"), `${process.pid}\n`);
        }
        const settings = { ...defaults, localPort: String(Math.min(port, 65000)), ...changes };
        pulumi.runtime.setAllConfig(
            Object.fromEntries(Object.entries(settings).map(([key, value]) => [`native-buildx:${key}`, value])),
        );
        return readSettings("demo-dev", home);
    };

    it("becomes plain values; the secrets stay secret, their names count", async () => {
        fs.mkdirSync(path.join(home, "app"));
        fs.writeFileSync(path.join(home, "app", "Dockerfile"), "FROM scratch\n");
        const images = { app: { context: "app", secrets: ["token"] } };
        const settings = await read({
            images: JSON.stringify(images),
            buildSecrets: JSON.stringify({ token: "TOKEN" }),
        });
        expect(settings).toMatchObject({
            runnerType: "local",
            platforms: [native],
            images,
            idleMinutes: 15,
            cacheGigabytes: 30,
            registryHost: "registry.example",
        });
        expect(await pulumi.isSecret(settings.buildSecrets)).toBe(true);
        expect(await resolved(settings.buildSecrets)).toEqual({ token: "TOKEN" });
    });

    it("is refused with every mistake, of settings, images and machine, in one error", async () => {
        delete process.env.SSL_CERT_DIR;
        const wrong = read({
            platforms: JSON.stringify([native, native, "linux/mips"]),
            images: JSON.stringify({ app: { context: "gone", secrets: ["token"] } }),
            cacheGigabytes: "0",
            registryHost: "localhost",
        });
        const error = await wrong.then(
            () => undefined,
            (reason) => reason,
        );
        expect(error).toBeInstanceOf(pulumi.RunError);
        const lines = (error as Error).message.split("\n");
        expect(lines[0]).toBe("The configuration has mistakes:");
        expect(lines.slice(1).map((line) => line.match(/^ {2}- ([^:]+): /)?.[1])).toEqual([
            "cacheGigabytes",
            "platforms",
            "platforms",
            "images.app.context",
            "images.app.secrets",
            "registryHost",
            "SSL_CERT_DIR",
        ]);
    });

    it("of a runner type that does not exist is no matter of this machine", async () => {
        delete process.env.SSL_CERT_DIR;
        await expect(read({ runnerType: "gcp" })).rejects.toThrow(
            'The configuration has a mistake:\n  - runnerType: there is no "gcp"; use one of: local, ec2',
        );
    });
});
