import { readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { quietWork } from "../../tests/helpers/quietWork";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { Connections, type Waking } from "../buildx/connectScript";
import type { Work } from "../resource";
import { type PlatformImageInputs, type PlatformImageOutputs, PlatformImageResource } from "./platformImage";

const work = quietWork("u");
const base: PlatformImageInputs = {
    ...{ platform: "linux/amd64", runner: "amd64", builder: "b", context: "https://example.org/a.tar" },
    ...{ args: {}, contexts: {}, tags: ["r/a:1"], cacheFrom: [], cacheTo: [], secrets: {} },
    here: { connect: "", project: __dirname, buildsPerRunner: 1 },
};

test("secrets that buildx cannot be given are refused in the check, each by its id, before a runner is woken", async () => {
    const resource = new PlatformImageResource(new Connections());
    const inputs = { ...base, secrets: { fine: "text", key: "s3cr3t\0", certificate: "s3cr3t\ufffd" } };
    const message = await resource.check(inputs, work, {}).then(String, String);
    expect(message).toMatch(/Secret key has bytes that are no text.*\n.*Secret certificate has bytes/);
    expect(message).not.toMatch(/s3cr3t|fine/);
});

describe("an image whose SSH key is not on this machine", () => {
    const project = temporaryFolder();
    const woken: string[] = [];
    const connections = {
        connect: async (_script: string, { builder }: Waking) => {
            woken.push(builder);
            throw new Error("was woken");
        },
    };
    const resource = new PlatformImageResource(connections as unknown as Connections);
    const key = path.join(project, "key");
    const check = (changes: Partial<PlatformImageInputs> = {}) => {
        const here = { connect: "", project, buildsPerRunner: 1, helpers: [{ runner: "other", builder: "c" }] };
        return resource.check({ ...base, context: ".", ssh: ["deploy=key"], here, ...changes }, work, {});
    };
    beforeAll(() => writeFileSync(path.join(project, "Dockerfile"), "FROM scratch\n"));
    beforeEach(() => {
        rmSync(key, { force: true });
        woken.length = 0;
    });
    afterAll(() => rmSync(project, { recursive: true }));

    test("is unchanged, if nothing of it has changed", async () => {
        const olds = (await check()) as PlatformImageOutputs;
        expect(resource.changes(olds, await check())).toEqual([]);
        expect(resource.changes(olds, await check({ target: "t" }))).toEqual(["target"]);
    });

    test("is refused before anything is woken, if it is to be built", async () => {
        const olds = (await check()) as PlatformImageOutputs;
        const [inputs, mistake] = [await check(), /^ssh: "deploy=key": key or socket key does not exist; /];
        expect(await resource.create(inputs, work).catch((error) => error.message)).toMatch(mistake);
        expect(await resource.update(inputs, work, olds).catch((error) => error.message)).toMatch(mistake);
        expect(woken).toEqual([]);
        writeFileSync(key, "");
        await expect(resource.create(inputs, work)).rejects.toThrow("was woken");
        expect(woken).toEqual(["b", "c"]);
    });
});

test("what connect warns of stays, once for all images on the runner, and what else it says is in their rows only", async () => {
    const project = temporaryFolder();
    writeFileSync(path.join(project, "Dockerfile"), "FROM scratch\n");
    const connections = new Connections(async () => ["docker", "buildx"]);
    const said = ["trying", "arm64 runner i-1: WARNING: it is EMULATED", "no capacity"];
    const connect = connections.keep(`printf '%s\\n' ${said.map((line) => `'${line}'`).join(" ")} >&2; exit 1`);
    const resource = new PlatformImageResource(connections);
    const [logged, shown]: [string[], string[]] = [[], []];
    for (const urn of ["one", "two"]) {
        const own: Work = {
            ...quietWork(urn),
            log: (severity, text) => logged.push(`${severity}: ${text}`),
            status: (text) => shown.push(text),
        };
        const inputs = await resource.check(
            { ...base, context: ".", here: { connect, project, buildsPerRunner: 1 } },
            own,
            {},
        );
        await expect(resource.create(inputs, own)).rejects.toThrow(said.join("\n"));
    }
    rmSync(project, { recursive: true });
    expect(logged).toEqual([`warning: ${said[1]}`]);
    expect(shown).toEqual(["trying", "no capacity", "trying", "no capacity"]);
});

test("images that wait for their turn on a runner that cannot be woken are told so without another try", async () => {
    const project = temporaryFolder();
    const log = path.join(project, "log");
    writeFileSync(path.join(project, "Dockerfile"), "FROM scratch\n");
    const connections = new Connections(async () => ["docker", "buildx"]);
    const connect = connections.keep(`echo tried >>'${log}'; echo 'no capacity' >&2; exit 1`);
    const resource = new PlatformImageResource(connections);
    const here = { connect, project, buildsPerRunner: 1 };
    const works = ["one", "two", "three"].map((urn) => quietWork(urn));
    const checked = await Promise.all(works.map((own) => resource.check({ ...base, context: ".", here }, own, {})));
    const creations = checked.map((inputs, index) => resource.create(inputs, works[index] as Work));
    const made = await Promise.all(creations.map((creation) => creation.catch((error) => error.message)));
    const tries = readFileSync(log, "utf8");
    rmSync(project, { recursive: true });
    expect(made).toEqual(Array(3).fill("no capacity"));
    expect(tries).toBe("tried\n");
});
