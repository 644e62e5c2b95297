import { execFileSync } from "node:child_process";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { type AwsMocks, mockAws, resolved, settled } from "../../tests/helpers/awsMocks";
import { shells } from "../../tests/helpers/workbench";
import type { RegistryContext } from "./kind";
import { type RegistryKind, reachMistakes, registryKind, registryKinds } from "./kinds";

const kinds = Object.keys(registryKinds) as RegistryKind[];

/** What has to be set for a registry of a kind. */
const necessary: { [K in RegistryKind]?: { [setting: string]: unknown } } = {
    generic: { registryUrl: "registry.example:5000/acme", registryUser: "ci", registryToken: "TOKEN" },
};

const context: RegistryContext = { stackName: "demo-prod", tags: { stack: "demo-prod" } };

class Something extends pulumi.CustomResource {
    constructor(name: string) {
        super("test:index:Something", name, {});
    }
}

describe.each(kinds)("registry %s", (kind) => {
    const row = registryKind(kind);
    const module = row.load();
    const values = {
        ...Object.fromEntries(Object.entries(row.settings).map(([name, setting]) => [name, v.getDefault(setting)])),
        ...necessary[kind],
    };
    let mocks: AwsMocks;
    beforeEach(async () => {
        process.env.AWS_REGION = "eu-central-1";
        pulumi.runtime.setAllConfig({ "native-buildx:registryToken": "TOKEN" }, ["native-buildx:registryToken"]);
        mocks = await mockAws();
    });
    afterEach(settled);

    const create = (name = "registry", changes: Partial<RegistryContext> = {}) =>
        module.create(name, values, { ...context, ...changes });
    const registered = () => mocks.resources.map(({ type, name }) => `${type} ${name}`);

    it("has nothing wrong with what has to be set, and says what each setting means", async () => {
        if (!row.isOnThisMachine) {
            // Whether this machine can be one is machine.test.ts's.
            expect(await module.mistakes(values, context.stackName)).toEqual([]);
        }
        for (const setting of Object.values(row.settings)) {
            expect(v.getDescription(setting)).toMatch(/ only\. \S.*\.$/);
        }
    });

    it("is pushed to under its url, each image to a repository of its own, the same whenever it is asked for", async () => {
        const registry = create();
        expect(registry.kind).toBe(kind);
        const url = await resolved(registry.url);
        expect(url).toMatch(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+$/);
        expect(await resolved(registry.repositoryOf("app"))).toBe(`${url}/app`);
        expect(await resolved(registry.repositoryOf("web"))).toBe(`${url}/web`);
        await settled();
        const before = registered();
        registry.repositoryOf("app");
        await settled();
        expect(registered()).toEqual(before);
    });

    it("logs in, where it does, at its own host, and in secret", async () => {
        const registry = create();
        const login = registry.login?.([pulumi.output("base")]);
        if (login) {
            expect(await pulumi.isSecret(login)).toBe(true);
            expect((await resolved(login)).address).toBe((await resolved(registry.url)).split("/")[0]);
        }
    });

    it("keeps no secret in the state, and nothing of this machine", async () => {
        const registry = create();
        registry.repositoryOf("app");
        registry.login?.([]);
        registry.guard?.([]);
        await settled();
        const state = JSON.stringify([mocks.resources, registry.prepare]);
        expect(state).not.toMatch(/\bTOKEN\b|ecr-password/);
        expect(state).not.toContain(path.resolve(__dirname, "../.."));
        expect(state).not.toContain(process.env.HOME);
    });

    it("guards, where it does, by one resource, which nothing but it depends on and which goes first", async () => {
        const registry = create();
        registry.repositoryOf("app");
        registry.repositoryOf("web");
        await settled();
        const before = registered();
        registry.guard?.([new Something("something")]);
        await settled();
        const more = registered().filter((one) => !before.includes(one) && !one.startsWith("test:"));
        expect(more).toHaveLength(registry.guard ? 1 : 0);
    });

    it("tells by which command to log in by hand, wherever a login is needed", async () => {
        const registry = create();
        const { loginCommand } = registry;
        expect(loginCommand === undefined).toBe(registry.login === undefined);
        if (loginCommand) {
            expect(await resolved(loginCommand)).toContain("docker login ");
            expect(await resolved(loginCommand)).not.toMatch(/\bTOKEN\b|ecr-password/);
        }
    });

    it("has a repository for builds by hand where no push makes one", async () => {
        const { makesRepositories } = create();
        await settled();
        const made = registered().filter((one) => one.includes("Repository"));
        expect(made.length > 0).toBe(!makesRepositories);
    });

    it.each(shells)("prepares, where it has to, by a function that %s understands", (_name, shell) => {
        const { prepare, trust } = create();
        expect(trust === undefined || !path.isAbsolute(trust.certificateFile)).toBe(true);
        if (!prepare) {
            return;
        }
        const isThere = `command -v prepare_registry_${kind}`;
        const [command = "sh", ...words] = shell;
        execFileSync(command, [...words, "-eu"], { input: `${prepare.script}\n${isThere}\n` });
        expect(Object.keys(prepare.variables).filter((name) => !/^[a-z_]+$/.test(name))).toEqual([]);
    });

    it("can be there twice in a program", async () => {
        const both = ["one", "two"].map((name) => create(name, { stackName: `demo-${name}` }));
        for (const registry of both) {
            registry.repositoryOf("app");
            registry.guard?.([]);
        }
        await settled();
        expect(new Set(registered()).size).toBe(registered().length);
    });

    it("is reached by runners of this machine, and by others unless it is on this machine itself", () => {
        expect(reachMistakes(kind, true)).toEqual([]);
        expect(reachMistakes(kind, false)).toEqual(
            row.isOnThisMachine ? [expect.stringMatching(/^registry: "\w+" is on this machine.*use one of: \w+/)] : [],
        );
    });
});

describe("the table of kinds of registry", () => {
    it("has no setting twice", () => {
        const names = kinds.flatMap((kind) => Object.keys(registryKinds[kind].settings));
        expect([...new Set(names)]).toEqual(names);
    });

    it("loads no package of AWS but for ECR", () => {
        const loads = (...loaded: RegistryKind[]) => {
            const program = [
                'const { registryKinds } = require("./components/registry/kinds");',
                ...loaded.map((kind) => `registryKinds.${kind}.load();`),
                'console.log(Object.keys(require.cache).some((file) => file.includes("/@pulumi/aws/")));',
            ];
            return execFileSync(process.execPath, ["--require=tsx/cjs", "--eval", program.join("\n")], {
                cwd: path.resolve(__dirname, "../.."),
                encoding: "utf8",
            }).trim();
        };
        expect(loads("local", "generic")).toBe("false");
        expect(loads("ecr")).toBe("true");
    });
});
