import { mkdtempSync } from "node:fs";
import * as path from "node:path";
import { RevokeSecurityGroupIngressCommand } from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import { Simulation, TokenIssuer } from "../../packages/simulated-ec2";
import { Cosign } from "../ci/cosign";
import { type CiSystem, runPipeline } from "../ci/jobs";
import { readPipeline, type Variables } from "../ci/pipeline";
import { type SystemOnAws, systems } from "../ci/systems";
import { ciOfAcme } from "../helpers/ciJobs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";
import { groupsOf, rulesOf } from "./securityGroups";

/** As a company's settings may give all of its jobs: the AWS CLI would take them before a token. */
const othersKeys = { AWS_ACCESS_KEY_ID: "AKIAOTHERTEAM", AWS_SECRET_ACCESS_KEY: "other", AWS_PROFILE: "other" };

/** What is different about a run of a file. */
export interface RunOptions {
    /** The project's files: `tools`, or `broken`, whose build fails. @default "tools" */
    files?: string;
    /** See CiSystem. @default each job has a new one */
    machine?: string;
    /** Of its CI system; an empty one counts as not set. @default those of a job on branch main */
    variables?: Variables;
    /** What its tokens claim. @default a job on branch main */
    claims?: SystemOnAws["claims"];
    /** The program of that name, for sh. @default the AWS CLI that the simulation has in memory */
    aws?: string;
}

/**
 * A stack whose settings let in the jobs of all CI systems, and these systems. What stands in for services that are
 * elsewhere: the scanner of SBOMs, and a key in place of a job's identity for signatures.
 */
export class CiFilesWorld {
    repositoryUrl = "";
    /** Id of the security group whose rules connect writes. */
    callersGroup = "";
    cosign!: Cosign;
    private readonly issuers = new Map(
        Object.values(systems).map(({ issuer }) => [issuer, new TokenIssuer(issuer)] as const),
    );
    /** Made once: several look into the registry at the same time. */
    private loggedIn: Promise<NodeJS.ProcessEnv> | undefined;

    private constructor(
        readonly simulation: Simulation,
        readonly project: Ec2Project,
    ) {}

    static create(): CiFilesWorld {
        const simulation = Simulation.start();
        const settings = {
            idleMinutes: 15,
            images: {},
            ...ciOfAcme,
            // As with a pull-through cache: the scanner of SBOMs is an image of Docker Hub.
            registryMirrors: { "docker.io": [`${simulation.environment.SIM_REGISTRY}/docker-hub`] },
            // Nobody is let in but callers, for their time.
            allowedCidrs: [],
            openForCallerMinutes: 60,
            callerAddressUrl: simulation.environment.SIM_ADDRESS_URL,
        };
        return new CiFilesWorld(simulation, Ec2Project.createIn(simulation, "prod", settings));
    }

    async start(): Promise<void> {
        const { simulation, project } = this;
        await simulation.setIssuerKeys(Object.fromEntries([...this.issuers].map(([url, { jwks }]) => [url, jwks])));
        project.context("tools", [...fromStep, writes("built by CI")]);
        project.context("broken", [...fromStep, "COPY nothing /"]);
        project.context("scanner", [...fromStep, 'ENTRYPOINT ["/step", "scan", "a stand-in"]']);
        await project.init();
        await project.succeed(project.up());
        ({ repositoryUrl: this.repositoryUrl } = await project.outputs());
        ({ callers: this.callersGroup } = await groupsOf(simulation, "native-buildx-prod"));
        this.cosign = Cosign.create(path.join(project.folder, "cosign"));
        await this.pushScanner(
            `${simulation.environment.SIM_REGISTRY}/docker-hub/docker/buildkit-syft-scanner:stable-1`,
        );
    }

    private async pushScanner(ref: string): Promise<void> {
        const repositoryName = "docker-hub/docker/buildkit-syft-scanner";
        await new ECRClient(this.simulation.client).send(new CreateRepositoryCommand({ repositoryName }));
        await this.asAdministrator("build", "--platform", "linux/amd64,linux/arm64", "--tag", ref, "--push", "scanner");
    }

    /** Runs buildx on the stack's builder, connected for as long. */
    async asAdministrator(...words: string[]): Promise<void> {
        const { project } = this;
        await project.succeed(project.connect("administrator"));
        const BUILDX_CONFIG = path.join(project.folder, "administrator/.docker/buildx");
        const [verb = "", ...rest] = words;
        const all = [verb, "--builder", "native-buildx-prod", ...rest];
        await project.succeed(project.run("buildx", all, { env: { ...(await this.login()), BUILDX_CONFIG } }));
        await project.succeed(project.disconnect("administrator"));
    }

    /** Runs a file's jobs; resolves to what they printed, and to the tag that they pushed. */
    async run(file: string, options: RunOptions = {}): Promise<{ printed: string[]; image: string }> {
        const { project, repositoryUrl } = this;
        const { files = "tools", machine, variables, aws } = options;
        const system = systems[Object.keys(systems).find((name) => file.startsWith(name)) ?? ""] as SystemOnAws;
        const { ciRoleArn: roleArn = "" } = await project.outputs();
        const given = { roleArn, repositoryUrl, region: "eu-central-1" };
        const commit = `commit-of-${path.parse(file).name}-${files}`;
        const folder = mkdtempSync(path.join(project.folder, `${commit}.`));
        const issuer = this.issuers.get(system.issuer) as TokenIssuer;
        const claims = options.claims ?? system.claims;
        const token = (aud: unknown) => issuer.token({ ...claims, aud }, { expiresIn: 3600 });
        const { AWS_ENDPOINT_URL = "", SSL_CERT_DIR = "", SIM_CLIENTS = "" } = this.simulation.environment;
        const ciSystem: CiSystem = {
            folder,
            machine,
            checkout: path.join(project.folder, files),
            variables: {
                ...system.variables(given, commit),
                CIRCLE_OIDC_TOKEN_V2: token(claims.aud),
                // GitHub's action puts the role's in their place.
                ...(file.startsWith("github") ? {} : othersKeys),
                AWS_ENDPOINT_URL,
                SSL_CERT_DIR,
                ...variables,
            },
            programs: { aws: aws ?? `exec ${SIM_CLIENTS}/aws "$@"`, cosign: this.cosign.program },
            token,
        };
        const expressions = system.expressions(given);
        const printed = await runPipeline(
            ciSystem,
            readPipeline(file, (name) => expressions[name] ?? `no ${name}`),
        );
        return { printed, image: `${repositoryUrl}:${commit}` };
    }

    /** Closes the port that a job has left open. */
    async closePort(): Promise<void> {
        const { simulation, callersGroup: GroupId } = this;
        const rules = await rulesOf(simulation, GroupId);
        const SecurityGroupRuleIds = rules.map(({ SecurityGroupRuleId = "" }) => SecurityGroupRuleId);
        await simulation.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, SecurityGroupRuleIds }));
    }

    login(): Promise<NodeJS.ProcessEnv> {
        this.loggedIn ??= this.project.registryEnvironment();
        return this.loggedIn;
    }

    async crane(...words: string[]): Promise<string> {
        const { project } = this;
        return (await project.succeed(project.run("crane", words, { env: await this.login() }))).output.trim();
    }

    async manifest(ref: string): Promise<Manifest> {
        return JSON.parse(await this.crane("manifest", ref));
    }

    /** What an image has for each platform, and which attestations go with it. */
    async contentsOf(image: string): Promise<{ platforms: string[]; predicates: string[] }> {
        const { manifests = [] } = await this.manifest(image);
        const isAttestation = ({ annotations }: Descriptor) => annotations?.["vnd.docker.reference.type"] !== undefined;
        const attestations = manifests.filter(isAttestation);
        const found = await Promise.all(
            attestations.map(({ digest }) => this.manifest(`${this.repositoryUrl}@${digest}`)),
        );
        const predicates = found.flatMap(({ layers = [] }) =>
            layers.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"] ?? ""),
        );
        const images = manifests.filter((descriptor) => !isAttestation(descriptor));
        return {
            platforms: images.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).sort(),
            predicates: predicates.sort(),
        };
    }
}

interface Descriptor {
    digest: string;
    platform?: { os: string; architecture: string };
    annotations?: { [name: string]: string };
}

export interface Manifest {
    manifests?: Descriptor[];
    layers?: Descriptor[];
}
