import { mkdirSync } from "node:fs";
import * as path from "node:path";
import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import { Simulation } from "../../packages/simulated-ec2";
import { Cosign } from "../ci/cosign";
import { type CiSystem, runPipeline } from "../ci/jobs";
import { readPipeline } from "../ci/pipeline";
import { type SystemOnAws, systems } from "../ci/systems";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

// What people copy from examples/ci: the shell of these very files, each job in a HOME of its own, on one stack. What stands
// in for services that are elsewhere: the scanner of SBOMs, and a key in place of a job's identity for signatures.
describeHere("CI files of examples/ci, on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let cosign: Cosign;
    let repositoryUrl: string;

    beforeAll(async () => {
        simulation = Simulation.start();
        const registry = simulation.environment.SIM_REGISTRY ?? "";
        const settings = {
            idleMinutes: 15,
            images: {},
            githubRepositories: ["acme/tools"],
            // As with a pull-through cache: the scanner of SBOMs is an image of Docker Hub.
            registryMirrors: { "docker.io": [`${registry}/docker-hub`] },
        };
        project = Ec2Project.createIn(simulation, "prod", settings);
        project.context("tools", [...fromStep, writes("built by CI")]);
        project.context("scanner", [...fromStep, 'ENTRYPOINT ["/step", "scan", "a stand-in"]']);
        await project.init();
        await project.succeed(project.up());
        ({ repositoryUrl } = await project.outputs());
        cosign = Cosign.create(path.join(project.folder, "cosign"));
        await pushScanner(`${registry}/docker-hub/docker/buildkit-syft-scanner:stable-1`);
    }, 900_000);

    afterAll(async () => {
        await project?.end();
        simulation?.stop();
    });

    async function pushScanner(ref: string): Promise<void> {
        const repositoryName = "docker-hub/docker/buildkit-syft-scanner";
        await new ECRClient(simulation.client).send(new CreateRepositoryCommand({ repositoryName }));
        await project.succeed(project.connect("administrator"));
        const platforms = ["--platform", "linux/amd64,linux/arm64"];
        const words = ["build", "--builder", "native-buildx-prod", ...platforms, "--tag", ref, "--push", "scanner"];
        const BUILDX_CONFIG = path.join(project.folder, "administrator/.docker/buildx");
        await project.succeed(project.run("buildx", words, { env: { ...(await login()), BUILDX_CONFIG } }));
    }

    const login = () => project.registryEnvironment();

    /** Runs a file's jobs; resolves to what they printed, and to the tag that they pushed. */
    async function run(file: string): Promise<{ printed: string[]; image: string }> {
        const system = systems[Object.keys(systems).find((name) => file.startsWith(name)) ?? ""] as SystemOnAws;
        const { ciRoleArn: roleArn = "" } = await project.outputs();
        const given = { roleArn, repositoryUrl, region: "eu-central-1" };
        const commit = `commit-of-${path.parse(file).name}`;
        const folder = path.join(project.folder, commit);
        mkdirSync(folder);
        const token = (audience: string) => tokenOf({ aud: audience, ...system.claims });
        const { AWS_ENDPOINT_URL = "", SSL_CERT_DIR = "", SIM_CLIENTS = "" } = simulation.environment;
        const ciSystem: CiSystem = {
            folder,
            checkout: path.join(project.folder, "tools"),
            variables: {
                ...system.variables(given, commit),
                CIRCLE_OIDC_TOKEN_V2: token(""),
                AWS_ENDPOINT_URL,
                SSL_CERT_DIR,
            },
            programs: { aws: `exec ${SIM_CLIENTS}/aws "$@"`, cosign: cosign.program },
            token,
        };
        const expressions = system.expressions(given);
        const printed = await runPipeline(
            ciSystem,
            readPipeline(file, (name) => expressions[name] ?? `no ${name}`),
        );
        return { printed, image: `${repositoryUrl}:${commit}` };
    }

    const crane = async (...words: string[]) =>
        (await project.succeed(project.run("crane", words, { env: await login() }))).output.trim();
    const manifest = async (ref: string) => JSON.parse(await crane("manifest", ref)) as Manifest;

    /** What an image has for each platform, and which attestations go with it. */
    async function contentsOf(image: string): Promise<{ platforms: string[]; predicates: string[] }> {
        const { manifests = [] } = await manifest(image);
        const isAttestation = ({ annotations }: Descriptor) => annotations?.["vnd.docker.reference.type"] !== undefined;
        const attestations = manifests.filter(isAttestation);
        const found = await Promise.all(attestations.map(({ digest }) => manifest(`${repositoryUrl}@${digest}`)));
        const predicates = found.flatMap(({ layers = [] }) =>
            layers.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"] ?? ""),
        );
        const images = manifests.filter((descriptor) => !isAttestation(descriptor));
        return {
            platforms: images.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).sort(),
            predicates: predicates.sort(),
        };
    }

    const both = <T>(of: T) => [of, of];
    const all = Object.entries(systems);

    it.each(all)("%s.yml builds on both runners in one job, and signs", async (name, { signer }) => {
        const { image } = await run(`${name}.yml`);

        const { platforms, predicates } = await contentsOf(image);
        expect(platforms).toEqual(["linux/amd64", "linux/arm64"]);
        expect(predicates).toEqual([
            ...both(expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//)),
            ...both("https://spdx.dev/Document"),
        ]);
        const digest = await crane("digest", image);
        expect(cosign.calls.slice(-2)).toEqual([
            `sign --yes ${repositoryUrl}@${digest}`,
            `verify ${signer} ${repositoryUrl}@${digest}`,
        ]);
    });

    it.each(all)(
        "%s-split.yml builds each platform by itself, and joins them as they are",
        async (name, { signer }) => {
            const { printed, image } = await run(`${name}-split.yml`);

            expect(printed).toHaveLength(3);
            expect((await contentsOf(image)).platforms).toEqual(["linux/amd64", "linux/arm64"]);
            const digest = await crane("digest", image);
            expect(cosign.calls.slice(-2)).toEqual([
                `sign --yes ${repositoryUrl}@${digest}`,
                `verify ${signer} ${repositoryUrl}@${digest}`,
            ]);
            for (const arch of ["amd64", "arm64"]) {
                expect(await crane("digest", `${repositoryUrl}:cache-${arch}`)).toMatch(/^sha256:/);
            }
        },
    );
});

interface Descriptor {
    digest: string;
    platform?: { os: string; architecture: string };
    annotations?: { [name: string]: string };
}

interface Manifest {
    manifests?: Descriptor[];
    layers?: Descriptor[];
}

function tokenOf(claims: { [name: string]: string }): string {
    return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
}
