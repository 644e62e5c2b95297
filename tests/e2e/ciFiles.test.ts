import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { type CiSystem, leftOn, runPipeline } from "../ci/jobs";
import { readPipeline, type Variables } from "../ci/pipeline";
import { checkout, tools } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { RegistryWorld, tokens } from "../helpers/registryWorld";
import { fromStep, writes } from "../helpers/stepImage";
import { RegistryProject } from "./registryProject";

jest.setTimeout(300_000);

interface Case {
    file: string;
    /** As docker's configuration names it. */
    registry: string;
    variables: Variables;
    image: string;
}

const cases: Case[] = [
    {
        file: "github-actions-ghcr.yml",
        registry: "ghcr.io",
        variables: {
            GITHUB_SHA: "commit",
            GITHUB_ACTOR: "ci",
            // GHCR takes small letters only.
            GITHUB_REPOSITORY: "Acme/Tools",
        },
        image: "ghcr.io/acme/tools:commit",
    },
    {
        file: "gitlab-ci-own-registry.yml",
        registry: "registry.gitlab.example",
        variables: {
            CI_COMMIT_SHA: "commit",
            CI_REGISTRY: "registry.gitlab.example",
            CI_REGISTRY_IMAGE: "registry.gitlab.example/acme/tools",
            CI_REGISTRY_USER: "ci",
            CI_REGISTRY_PASSWORD: tokens.ci,
        },
        image: "registry.gitlab.example/acme/tools:commit",
    },
    {
        file: "circleci-docker-hub.yml",
        registry: "https://index.docker.io/v1/",
        variables: { CIRCLE_SHA1: "commit", IMAGE: "acme/tools", DOCKERHUB_USER: "ci", DOCKERHUB_TOKEN: tokens.ci },
        image: "docker.io/acme/tools:commit",
    },
];

// CI on the machine of local runners: no AWS, the script of the stack that is there, and registries that want a login.
describeHere("CI files of examples/ci for registries elsewhere, on real local runners", () => {
    const world = new RegistryWorld();
    let project: RegistryProject;

    beforeAll(async () => {
        await world.start();
        project = RegistryProject.createIn(world, "dev", {});
        project.configure({ registryUrl: "harbor.example/acme" });
        project.context("app", [...fromStep, writes("built by CI")]);
        symlinkSync(path.join(checkout, "tools"), path.join(project.folder, "tools"));
        await project.init();
        await project.succeed(project.up());
    }, 300_000);
    afterAll(async () => {
        await project?.end();
        await world.end();
    });

    /** Runs a file's jobs on the stack's machine. Resolves to what they printed, and to their folders. */
    async function run({ file, variables }: Case) {
        const folder = mkdtempSync(path.join(project.folder, `${path.parse(file).name}.`));
        const machine = path.join(project.folder, `machine-of-${path.parse(file).name}`);
        const NATIVE_BUILDX = project.folder;
        const expressions: Variables = { "vars.NATIVE_BUILDX": NATIVE_BUILDX, "github.token": tokens.ci };
        // What tools/env.sh says of a user's own folders.
        const { SSL_CERT_DIR, NATIVE_BUILDX_HOME, PULUMI_HOME, PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE } =
            project.environment;
        const user = { SSL_CERT_DIR, NATIVE_BUILDX_HOME, PULUMI_HOME, PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE };
        const system: CiSystem = {
            folder,
            machine,
            checkout: path.join(project.folder, "app"),
            variables: { ...variables, ...(user as Variables), NATIVE_BUILDX },
            programs: {},
            // With the project's tools: it is the machine of the stack.
            path: `${tools}:${process.env.PATH}`,
            token: () => "none",
            enter: (work: string, command: string, words: string[]) => world.command(work, command, words),
        };
        const pipeline = readPipeline(file, (name) => expressions[name] ?? `no ${name}`);
        return { printed: (await runPipeline(system, pipeline)).join(), folder, machine };
    }

    it.each(cases)("$file pushes with what a job of that system has", async (one) => {
        const { printed, folder } = await run(one);

        project.lookAs(world.dockerLogin(path.join(folder, "login"), one.registry, "ci"));
        const index = JSON.parse(await project.crane("manifest", one.image));
        const platforms = index.manifests.map(({ platform }: { platform: object }) => platform);
        expect(platforms).toEqual(
            expect.arrayContaining([
                { os: "linux", architecture: "amd64" },
                { os: "linux", architecture: "arm64" },
            ]),
        );
        expect(printed).not.toContain(tokens.ci);
    });

    it.each(cases)("$file leaves no key and no login for the machine's next job", async (one) => {
        await run(one);
        const { machine } = await run(one);
        expect(leftOn(machine)).toEqual([]);
    });

    it.each(cases)("$file goes by the stack as the last up has left it", async (one) => {
        const minutes = 100 + cases.indexOf(one);
        project.configure({ idleMinutes: minutes });
        await project.succeed(project.up());
        await run(one);
        const settings = readFileSync(path.join(project.runnerFolder("amd64"), "settings.sh"), "utf8");
        expect(settings).toContain(` idle_seconds=${60 * minutes} `);
    });

    it("do not bring back a stack that was destroyed", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        for (const one of cases) {
            await expect(run(one)).rejects.toThrow("does not have output property 'connect'");
        }
        expect(await project.state("amd64")).toBe("absent");
    });
});
