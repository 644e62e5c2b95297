import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { runPipeline } from "../ci/jobs";
import { readPipeline, type Variables } from "../ci/pipeline";
import { tools } from "../helpers/checkout";
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

// CI on the machine of local runners: no AWS, the stack output `connect` as a file, and registries that want a login.
describeHere("CI files of examples/ci for registries elsewhere, on real local runners", () => {
    const world = new RegistryWorld();
    let project: RegistryProject;

    beforeAll(async () => {
        await world.start();
        project = RegistryProject.createIn(world, "dev", {});
        project.configure({ registryUrl: "harbor.example/acme" });
        project.context("tools", [...fromStep, writes("built by CI")]);
        await project.init();
        await project.succeed(project.up());
        writeFileSync(path.join(project.folder, "connect.sh"), await project.connectScript());
    }, 300_000);
    afterAll(async () => {
        await project?.end();
        await world.end();
    });

    it.each(cases)("$file pushes with what a job of that system has", async ({ file, registry, variables, image }) => {
        const folder = path.join(project.folder, path.parse(file).name);
        mkdirSync(folder);
        const CONNECT = path.join(project.folder, "connect.sh");
        const expressions: Variables = { "vars.CONNECT": CONNECT, "github.token": tokens.ci };
        const { SSL_CERT_DIR = "", NATIVE_BUILDX_HOME = "" } = project.environment;
        const system = {
            folder,
            checkout: path.join(project.folder, "tools"),
            variables: { ...variables, CONNECT, SSL_CERT_DIR, NATIVE_BUILDX_HOME },
            programs: {},
            // With the project's tools: it is the machine of the stack.
            path: `${tools}:${process.env.PATH}`,
            token: () => "none",
            enter: (work: string, command: string, words: string[]) => world.command(work, command, words),
        };
        const pipeline = readPipeline(file, (name) => expressions[name] ?? `no ${name}`);
        const [printed] = await runPipeline(system, pipeline);

        project.lookAs(world.dockerLogin(path.join(folder, "login"), registry, "ci"));
        const index = JSON.parse(await project.crane("manifest", image));
        const platforms = index.manifests.map(({ platform }: { platform: object }) => platform);
        expect(platforms).toEqual(
            expect.arrayContaining([
                { os: "linux", architecture: "amd64" },
                { os: "linux", architecture: "arm64" },
            ]),
        );
        expect(printed).not.toContain(tokens.ci);
    });
});
