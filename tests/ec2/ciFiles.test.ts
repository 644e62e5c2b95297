import { mkdtempSync } from "node:fs";
import * as path from "node:path";
import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { policiesOfAccount, replay, rolePolicies, Simulation, TokenIssuer } from "../../packages/simulated-ec2";
import { Cosign, cosignProgram } from "../ci/cosign";
import { type CiSystem, runPipeline } from "../ci/jobs";
import { readPipeline } from "../ci/pipeline";
import { type SystemOnAws, systems } from "../ci/systems";
import { ciOfAcme } from "../helpers/ciJobs";
import { describeUnless, missing } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";
import { groupsOf, rulesOf } from "./securityGroups";

jest.setTimeout(300_000);

// What people copy from examples/ci: the shell of these very files, each job in a HOME of its own, on one stack. What stands
// in for services that are elsewhere: the scanner of SBOMs, and a key in place of a job's identity for signatures.
describeUnless(missing() ?? cosignProgram.missing())("CI files of examples/ci, on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let cosign: Cosign;
    let repositoryUrl: string;
    let callersGroup: string;
    const issuers = new Map(Object.values(systems).map(({ issuer }) => [issuer, new TokenIssuer(issuer)]));

    beforeAll(async () => {
        simulation = Simulation.start();
        await simulation.setIssuerKeys(Object.fromEntries([...issuers].map(([url, { jwks }]) => [url, jwks])));
        const registry = simulation.environment.SIM_REGISTRY ?? "";
        const settings = {
            idleMinutes: 15,
            images: {},
            ...ciOfAcme,
            // As with a pull-through cache: the scanner of SBOMs is an image of Docker Hub.
            registryMirrors: { "docker.io": [`${registry}/docker-hub`] },
            // Nobody is let in but callers, for their time.
            allowedCidrs: [],
            openForCallerMinutes: 60,
            callerAddressUrl: simulation.environment.SIM_ADDRESS_URL,
        };
        project = Ec2Project.createIn(simulation, "prod", settings);
        project.context("tools", [...fromStep, writes("built by CI")]);
        project.context("broken", [...fromStep, "COPY nothing /"]);
        project.context("scanner", [...fromStep, 'ENTRYPOINT ["/step", "scan", "a stand-in"]']);
        await project.init();
        await project.succeed(project.up());
        ({ repositoryUrl } = await project.outputs());
        ({ callers: callersGroup } = await groupsOf(simulation, "native-buildx-prod"));
        cosign = Cosign.create(path.join(project.folder, "cosign"));
        await pushScanner(`${registry}/docker-hub/docker/buildkit-syft-scanner:stable-1`);
    }, 1_800_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    // By the last step of each job, not by time.
    afterEach(async () => expect(await rulesOf(simulation, callersGroup)).toEqual([]));

    /** Runs buildx on the stack's builder, connected for as long. */
    async function asAdministrator(...words: string[]): Promise<void> {
        await project.succeed(project.connect("administrator"));
        const BUILDX_CONFIG = path.join(project.folder, "administrator/.docker/buildx");
        const [verb = "", ...rest] = words;
        const all = [verb, "--builder", "native-buildx-prod", ...rest];
        await project.succeed(project.run("buildx", all, { env: { ...(await login()), BUILDX_CONFIG } }));
        await project.succeed(project.disconnect("administrator"));
    }

    async function pushScanner(ref: string): Promise<void> {
        const repositoryName = "docker-hub/docker/buildkit-syft-scanner";
        await new ECRClient(simulation.client).send(new CreateRepositoryCommand({ repositoryName }));
        await asAdministrator("build", "--platform", "linux/amd64,linux/arm64", "--tag", ref, "--push", "scanner");
    }

    /** Made once: several look into the registry at the same time. */
    let loggedIn: Promise<NodeJS.ProcessEnv> | undefined;
    const login = () => {
        loggedIn ??= project.registryEnvironment();
        return loggedIn;
    };

    /** Runs a file's jobs on a project's files; resolves to what they printed, and to the tag that they pushed. */
    async function run(file: string, files = "tools"): Promise<{ printed: string[]; image: string }> {
        const system = systems[Object.keys(systems).find((name) => file.startsWith(name)) ?? ""] as SystemOnAws;
        const { ciRoleArn: roleArn = "" } = await project.outputs();
        const given = { roleArn, repositoryUrl, region: "eu-central-1" };
        const commit = `commit-of-${path.parse(file).name}-${files}`;
        const folder = mkdtempSync(path.join(project.folder, `${commit}.`));
        const issuer = issuers.get(system.issuer) as TokenIssuer;
        const token = (aud: unknown) => issuer.token({ ...system.claims, aud }, { expiresIn: 3600 });
        const { AWS_ENDPOINT_URL = "", SSL_CERT_DIR = "", SIM_CLIENTS = "" } = simulation.environment;
        const ciSystem: CiSystem = {
            folder,
            checkout: path.join(project.folder, files),
            variables: {
                ...system.variables(given, commit),
                CIRCLE_OIDC_TOKEN_V2: token(system.claims.aud),
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
    const complete = {
        platforms: ["linux/amd64", "linux/arm64"],
        predicates: [
            ...both(expect.stringMatching(/^https:\/\/slsa\.dev\/provenance\//)),
            ...both("https://spdx.dev/Document"),
        ],
    };

    /** That the last job has signed this image, and then asked whose signature it has. */
    async function expectSigned(image: string, signer: string): Promise<void> {
        const signed = `${repositoryUrl}@${await crane("digest", image)}`;
        expect(cosign.calls.slice(-2)).toEqual([`sign --yes ${signed}`, `verify ${signer} ${signed}`]);
    }

    const all = Object.entries(systems);

    it.each(all)("%s.yml builds on both runners in one job, and signs", async (name, { signer }) => {
        const { image } = await run(`${name}.yml`);

        expect(await contentsOf(image)).toEqual(complete);
        await expectSigned(image, signer);
    });

    it.each(all)(
        "%s-split.yml builds each platform by itself, and joins what they pushed",
        async (name, { signer }) => {
            const { printed, image } = await run(`${name}-split.yml`);

            const [amd64 = "", arm64 = "", join = ""] = printed;
            expect(
                [amd64, arm64].map((text) =>
                    [...text.matchAll(/builder \S+ is ready: (.*)/g)].map(([, ready]) => ready),
                ),
            ).toEqual([["linux/amd64 only"], ["linux/arm64 only"]]);
            expect(join).not.toMatch(/is ready/);
            // Each pushed an index of its image and of what is attested of it.
            const pushed = [amd64, arm64].map(
                (text) => /exporting manifest list (sha256:[0-9a-f]{64})/.exec(text)?.[1] ?? "",
            );
            const parts = await Promise.all(pushed.map((digest) => manifest(`${repositoryUrl}@${digest}`)));
            const { manifests = [] } = await manifest(image);
            expect(manifests.map(({ digest }) => digest).sort()).toEqual(
                parts.flatMap((part) => (part.manifests ?? []).map(({ digest }) => digest)).sort(),
            );
            expect(await contentsOf(image)).toEqual(complete);
            await expectSigned(image, signer);
        },
    );

    it.each(["github-actions.yml", "gitlab-ci.yml", "buildkite-split.yml"])(
        "%s closes the port also when its build fails",
        async (file) => {
            const before = await project.countOf("ec2:AuthorizeSecurityGroupIngress");
            await expect(run(file, "broken")).rejects.toThrow('"/nothing": not found');
            expect(await project.countOf("ec2:AuthorizeSecurityGroupIngress")).toBeGreaterThan(before);
        },
    );

    it("keep a cache for each platform, from which the next jobs take their steps", async () => {
        await asAdministrator("prune", "--all", "--force");
        const { printed } = await run("gitlab-ci-split.yml");
        for (const text of printed.slice(0, 2)) {
            // Or its layer comes from the cache, for the scanner to read.
            expect(text).toMatch(/\] RUN \["\/step", "write".*\n#\d+ (CACHED|sha256:\w+ \d+B \/)/);
        }
    });

    it("fail where an image is not signed", async () => {
        // That of a platform alone: what was signed is the index.
        const digest = await crane("digest", "--platform", "linux/arm64", `${repositoryUrl}:commit-of-circleci-tools`);
        const verify = `sh -c '${cosign.program}' cosign verify ${repositoryUrl}@${digest}`;
        const { code, output } = await project.run("sh", ["-c", verify], { env: await login() });
        expect(output).toMatch(/no signatures found/);
        expect(code).not.toBe(0);
    });

    it("make no call that the role, or its trust in the jobs' tokens, does not allow", async () => {
        const { policiesOf, trustOf } = policiesOfAccount(await rolePolicies(simulation), [administratorPolicy()]);
        const calls = (await simulation.calls()).filter(
            ({ action, principal, resources }) =>
                (action.endsWith("WithWebIdentity") || principal.includes("/native-buildx-prod-ci/")) &&
                // A pull-through cache of the tests' own: the stack knows nothing of it.
                !resources.some((resource) => resource.includes("/docker-hub/")),
        );
        const { refused, actions } = replay(calls, policiesOf, trustOf);

        expect(refused).toEqual([]);
        expect(actions).toEqual(
            expect.arrayContaining([
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:RevokeSecurityGroupIngress",
                "ecr:PutImage",
                "ssm:GetParameter",
                "ssm:GetParameters",
                "sts:AssumeRoleWithWebIdentity",
            ]),
        );
    });
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
