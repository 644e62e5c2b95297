import { copyFileSync } from "node:fs";
import { connect } from "node:net";
import * as path from "node:path";
import { DescribeSecurityGroupsCommand, type IpPermission } from "@aws-sdk/client-ec2";
import { DescribeParametersCommand } from "@aws-sdk/client-ssm";
import { Simulation, TokenIssuer } from "../../packages/simulated-ec2";
import { checkout } from "../helpers/checkout";
import { fromStep, writes } from "../helpers/stepImage";
import { publishBuildkit } from "./buildkit/archive";
import { CiJob } from "./ciJob";
import { Ec2Project } from "./ec2Project";

export const port = 9753;
export const metadata = "169.254.169.254";
/** What stack prod publishes as `app`. */
export const image = [...fromStep, writes("built by main")];

/**
 * Stack prod, whose jobs are those of branch main, and stack prod-pr, for pull requests, as docs/ci.md has it, in one
 * account whose policies are enforced; and a job of each, connected to its runner.
 */
export class TrustWorld {
    /** `host/native-buildx-prod`. */
    trusted = "";
    main!: CiJob;
    untrusted!: CiJob;

    private readonly github = new TokenIssuer("https://token.actions.githubusercontent.com");

    private constructor(
        readonly simulation: Simulation,
        readonly prod: Ec2Project,
        readonly pr: Ec2Project,
    ) {}

    static create(): TrustWorld {
        const simulation = Simulation.start();
        const prod = Ec2Project.createIn(simulation, "prod", {
            platforms: ["linux/amd64"],
            githubRepositories: ["ORGANIZATION/REPOSITORY:main"],
            images: { app: { context: "app" } },
        });
        return new TrustWorld(simulation, prod, Ec2Project.createIn(simulation, "prod-pr", {}));
    }

    async start(): Promise<void> {
        const { simulation, prod, pr } = this;
        prod.context("app", image);
        // The example as it stands.
        copyFileSync(path.join(checkout, "Pulumi.prod-pr.yaml"), path.join(pr.folder, "Pulumi.prod-pr.yaml"));
        await Promise.all([prod.init(), pr.init()]);
        await this.configureSimulation();
        await prod.succeed(prod.up());
        await pr.succeed(pr.up());
        await simulation.setIssuerKeys({ [this.github.url]: this.github.jwks });
        await simulation.enforcePolicies();

        this.trusted = (await prod.outputs()).repositoryUrl;
        this.main = await CiJob.start(prod, this.tokenOf("ref:refs/heads/main"));
        this.untrusted = await CiJob.start(pr, this.tokenOf("pull_request"));
        await prod.succeed(this.main.connect(await prod.connectScript()));
        await pr.succeed(this.untrusted.connect(await pr.connectScript()));
        await prod.succeed(this.main.build(image, "--push", "--tag", `${this.trusted}/app:release`));
    }

    /** The token that GitHub gives a job. @param about what follows the repository in its subject */
    tokenOf(about: string): string {
        return this.github.token({ aud: "sts.amazonaws.com", sub: `repo:ORGANIZATION/REPOSITORY:${about}` });
    }

    /** What the example says is to be set, and where the simulation differs from EC2. */
    private async configureSimulation(): Promise<void> {
        const { simulation, pr } = this;
        const { buildkitUrl, buildkitSha256 } = publishBuildkit(simulation);
        const digests = Object.entries(buildkitSha256).map(([platform, digest]) => [
            `buildkitSha256["${platform}"]`,
            digest,
        ]);
        const own: { [setting: string]: string } = {
            "allowedCidrs[0]": simulation.environment.SIM_CLIENT_CIDR ?? "",
            "platforms[0]": "linux/amd64",
            buildkitUrl,
            ...Object.fromEntries(digests),
        };
        for (const [setting, value] of Object.entries(own)) {
            await pr.succeed(pr.pulumi("config", "set", "--path", setting, value));
        }
    }

    async end(): Promise<void> {
        try {
            await this.pr.end();
            await this.prod.end();
        } finally {
            this.simulation.stop();
        }
    }

    /** All that a trusted build gets, or whoever uses its images. */
    async published(): Promise<{ [what: string]: unknown }> {
        const { prod, main, trusted, simulation } = this;
        const digests: { [tag: string]: string } = {};
        for (const tag of ["latest", "latest-amd64", "release", "cache-amd64"]) {
            digests[tag] = (await prod.succeed(main.run("crane", ["digest", `${trusted}/app:${tag}`]))).output;
        }
        const { Parameters = [] } = await simulation.ssm.send(new DescribeParametersCommand({}));
        const versions = Parameters.filter(({ Name }) => Name?.startsWith("/native-buildx/prod/connect/")).map(
            ({ Name, Version }) => `${Name} ${Version}`,
        );
        const { IpPermissions } = await this.group();
        return { digests, versions: versions.sort(), IpPermissions };
    }

    /** The security group of the trusted runner. */
    async group(): Promise<{ id: string; IpPermissions: IpPermission[] }> {
        const id = (await this.prod.instance("amd64")).SecurityGroups?.[0]?.GroupId ?? "";
        const found = await this.simulation.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
        return { id, IpPermissions: found.SecurityGroups?.[0]?.IpPermissions ?? [] };
    }

    /** The identity that the metadata service gives a stack's runner, as variables. */
    async runnerIdentity(project: Ec2Project): Promise<{ [name: string]: string }> {
        const url = `http://${metadata}/latest`;
        const script = `token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' ${url}/api/token)
            get() { curl -fsS -H "X-aws-ec2-metadata-token: $token" "${url}/meta-data/iam/security-credentials/$1"; }
            get "$(get '')"`;
        const { stdout } = await this.simulation.execute(await project.instanceId("amd64"), script);
        const { AccessKeyId = "", SecretAccessKey = "", Token = "" } = JSON.parse(stdout) as { [name: string]: string };
        return {
            AWS_ACCESS_KEY_ID: AccessKeyId,
            AWS_SECRET_ACCESS_KEY: SecretAccessKey,
            AWS_SESSION_TOKEN: Token,
        };
    }
}

/** Whether a runner's port takes a connection from this machine. */
export function takes(host = ""): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = connect({ host, port, timeout: 2000 });
        const end = (isTaken: boolean) => {
            socket.destroy();
            resolve(isTaken);
        };
        socket
            .on("connect", () => end(true))
            .on("timeout", () => end(false))
            .on("error", () => end(false));
    });
}
