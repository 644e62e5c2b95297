import { copyFileSync, existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import * as path from "node:path";
import {
    AuthorizeSecurityGroupIngressCommand,
    type IpPermission,
    RevokeSecurityGroupIngressCommand,
} from "@aws-sdk/client-ec2";
import { DescribeParametersCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { Simulation } from "../../packages/simulated-ec2";
import type { Result } from "../e2e/project";
import { checkout } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { publishBuildkit } from "./buildkit/archive";
import { CiJob, githubToken } from "./ciJob";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

const port = 9753;
const metadata = "169.254.169.254";

// Stack prod, whose jobs are those of branch main, and stack prod-pr, for pull requests, as docs/aws.md has it. The policies
// of roles are enforced: what is refused here, AWS refuses. Each attack is tried by the job of a pull request, and then by
// the job of main, who may do it: so it would have worked.
describeHere("a stack for untrusted branches, beside the stack that is trusted, on the simulated EC2", () => {
    let simulation: Simulation;
    let prod: Ec2Project;
    let pr: Ec2Project;
    let main: CiJob;
    let untrusted: CiJob;
    /** `host/native-buildx-prod`. */
    let trusted: string;
    let published: { [what: string]: unknown };

    const image = [...fromStep, writes("built by main")];

    beforeAll(async () => {
        simulation = Simulation.start();
        prod = Ec2Project.createIn(
            simulation,
            "prod",
            {
                platforms: ["linux/amd64"],
                githubRepositories: ["ORGANIZATION/REPOSITORY:ref:refs/heads/main"],
                images: { app: { context: "app" } },
            },
            60,
        );
        pr = Ec2Project.createIn(simulation, "prod-pr", {}, 60);
        prod.context("app", image);
        // The example as it stands, and then what its comments say, and the simulation's own.
        copyFileSync(path.join(checkout, "Pulumi.prod-pr.yaml"), path.join(pr.folder, "Pulumi.prod-pr.yaml"));
        await Promise.all([prod.init(), pr.init()]);
        const { buildkitUrl, buildkitSha256 } = publishBuildkit(simulation);
        const own = {
            "allowedCidrs[0]": simulation.environment.SIM_CLIENT_CIDR ?? "",
            "platforms[0]": "linux/amd64",
            buildkitUrl,
            ...Object.fromEntries(
                Object.entries(buildkitSha256).map(([platform, digest]) => [`buildkitSha256["${platform}"]`, digest]),
            ),
        };
        for (const [setting, value] of Object.entries(own)) {
            await pr.succeed(pr.pulumi("config", "set", "--path", setting, value));
        }
        await prod.succeed(prod.up());
        await pr.succeed(pr.up());
        await simulation.enforcePolicies();

        trusted = (await prod.outputs()).repositoryUrl;
        main = await CiJob.start(prod, "repo:ORGANIZATION/REPOSITORY:ref:refs/heads/main");
        untrusted = await CiJob.start(pr, "repo:ORGANIZATION/REPOSITORY:pull_request");
        await prod.succeed(main.connect(await prod.connectScript()));
        await pr.succeed(untrusted.connect(await pr.connectScript()));
        await prod.succeed(main.build(image, "--push", "--tag", `${trusted}/app:release`));
        published = await whatIsPublished();
    }, 900_000);

    afterAll(async () => {
        await pr?.end();
        await prod?.end();
        simulation?.stop();
    });

    /** All that a trusted build gets, or whoever uses its images. */
    async function whatIsPublished(): Promise<{ [what: string]: unknown }> {
        const digests: { [tag: string]: string } = {};
        for (const tag of ["latest", "latest-amd64", "release", "cache-amd64"]) {
            digests[tag] = (await prod.succeed(main.run("crane", ["digest", `${trusted}/app:${tag}`]))).output;
        }
        const { Parameters = [] } = await simulation.ssm.send(new DescribeParametersCommand({}));
        const versions = Parameters.filter(({ Name }) => Name?.startsWith("/native-buildx/prod/connect/")).map(
            ({ Name, Version }) => `${Name} ${Version}`,
        );
        const { IpPermissions } = await group(prod);
        return { digests, versions: versions.sort(), IpPermissions };
    }

    async function group(project: Ec2Project): Promise<{ id: string; IpPermissions: IpPermission[] }> {
        const { DescribeSecurityGroupsCommand } = await import("@aws-sdk/client-ec2");
        const id = (await project.instance("amd64")).SecurityGroups?.[0]?.GroupId ?? "";
        const found = await simulation.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
        return { id, IpPermissions: found.SecurityGroups?.[0]?.IpPermissions ?? [] };
    }

    const notAllowed = (action: string, resource: RegExp | string) =>
        new RegExp(`not authorized to perform: ${action} on resource: ${new RegExp(resource).source}`);
    const repository = "arn:aws:ecr:eu-central-1:\\d+:repository/native-buildx-prod/app";
    const parameter = "arn:aws:ssm:eu-central-1:\\d+:parameter/native-buildx/prod/";

    const attacks: [string, (job: CiJob) => Promise<Result>, () => RegExp][] = [
        [
            "its registry cache",
            (job) => job.build(image, "--cache-to", `type=registry,mode=max,ref=${trusted}/app:cache-amd64`),
            () => notAllowed("ecr:(InitiateLayerUpload|PutImage)", repository),
        ],
        [
            "its images",
            (job) => job.build(["FROM scratch", "COPY Dockerfile /x"], "--push", "--tag", `${trusted}/app:release`),
            () => notAllowed("ecr:(InitiateLayerUpload|PutImage)", repository),
        ],
        [
            "a tag of an image that is there",
            (job) => job.run("crane", ["tag", `${trusted}/app:latest`, "release"]),
            () => notAllowed("ecr:PutImage", repository),
        ],
        ["the layers of its repository", (job) => upload(job), () => notAllowed("ecr:InitiateLayerUpload", repository)],
        [
            "the keys of its runner",
            (job) =>
                job.run("aws", [
                    ...["ssm", "get-parameter", "--with-decryption"],
                    ...["--name", "/native-buildx/prod/amd64/keys"],
                ]),
            () => notAllowed("ssm:GetParameter", `${parameter}amd64/keys`),
        ],
        [
            "its runner, by waking it",
            async (job) => job.run("aws", ["ec2", "start-instances", "--instance-ids", await prod.instanceId("amd64")]),
            () => /UnauthorizedOperation.*not authorized to perform: ec2:StartInstances/,
        ],
        [
            "its runner, by connecting to it",
            async (job) => job.connect(await prod.connectScript()),
            () => /its keys may not be read: ssm:GetParameter on \/native-buildx\/prod\/amd64\/keys is needed/,
        ],
        [
            "its runner's port, from an address that may open it",
            knock,
            // curl's words depend on which comes first, the alert or the end of the connection.
            () => /^000 .*(alert|certificate|reset|closed|SSL_read|SSL_ERROR)/s,
        ],
    ];

    /** The start of an upload; its login is no argument. */
    async function upload(job: CiJob): Promise<Result> {
        const url = `https://${trusted.replace("/", "/v2/")}/app/blobs/uploads/`;
        const { code, output } = await job.run(
            "curl",
            [
                "-sS",
                "-X",
                "POST",
                "-H",
                "Content-Length: 0",
                "--cacert",
                simulation.environment.SIM_CA ?? "",
                "-K",
                "-",
                url,
            ],
            `user = "AWS:${job.password}"\nwrite-out = "%{http_code}"\n`,
        );
        return { code: output.endsWith("202") ? code : 1, output };
    }

    /** Asks prod's runner something, with the keys that the job has for its own runner. */
    async function knock(job: CiJob): Promise<Result> {
        const { PublicIpAddress: host } = await prod.instance("amd64");
        const { stack } = job.project;
        const builder = `native-buildx-${stack}`;
        const keys = path.join(job.env.HOME ?? "", ".docker/buildx/native-buildx", builder, `${builder}-amd64`);
        const [newest = ""] = existsSync(keys) ? readdirSync(keys) : [];
        const files = ["cert", "key"].flatMap((name) => [`--${name}`, path.join(keys, newest, `${name}.pem`)]);
        // It is the server that has to refuse: the client takes any.
        const { output } = await job.run("curl", [
            ...["-sSk", "--http2", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code} %{errormsg}"],
            ...[...files, `https://${host}:${port}/`],
        ]);
        return { code: /^[1-5]\d\d /.test(output) ? 0 : 1, output };
    }

    describe("the job of a pull request", () => {
        it.each(attacks)("does not get at %s, as main's job can", async (_what, attack, reason) => {
            const refused = await attack(untrusted);
            expect(refused.output).toMatch(reason());
            expect(refused.code).not.toBe(0);
            expect(await whatIsPublished()).toEqual(published);

            await prod.succeed(attack(main));
            // Main's job may move tags and caches: that is what it is for.
            published = await whatIsPublished();
        });

        it.each([
            [
                "ecr:BatchDeleteImage",
                "ecr batch-delete-image --repository-name native-buildx-prod/app --image-ids imageTag=release",
            ],
            [
                "ecr:PutLifecyclePolicy",
                "ecr put-lifecycle-policy --repository-name native-buildx-prod/app --lifecycle-policy-text {}",
            ],
            [
                "ecr:SetRepositoryPolicy",
                "ecr set-repository-policy --repository-name native-buildx-prod/app --policy-text {}",
            ],
            ["ecr:DeleteRepository", "ecr delete-repository --force --repository-name native-buildx-prod/app"],
            ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod/connect/1 --value x"],
            ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod/amd64/keys --value x"],
            ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod-pr/connect/1 --value x"],
            [
                "ssm:GetParametersByPath",
                "ssm get-parameters-by-path --with-decryption --path /native-buildx/prod/amd64",
            ],
            [
                "ssm:GetParameterHistory",
                "ssm get-parameter-history --with-decryption --name /native-buildx/prod/amd64/keys",
            ],
            ["ssm:GetParameters", "ssm get-parameters --with-decryption --names /native-buildx/prod/amd64/keys"],
            ["ec2:StopInstances", "ec2 stop-instances --instance-ids INSTANCE"],
            ["ec2:TerminateInstances", "ec2 terminate-instances --instance-ids INSTANCE"],
            [
                "ec2:ModifyInstanceAttribute",
                "ec2 modify-instance-attribute --instance-id INSTANCE --user-data Value=eA==",
            ],
            ["ec2:DetachVolume", "ec2 detach-volume --volume-id VOLUME"],
            ["ec2:CreateSnapshot", "ec2 create-snapshot --volume-id VOLUME"],
            [
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2 authorize-security-group-ingress --group-id GROUP --protocol tcp --port 9753 --cidr 0.0.0.0/0",
            ],
            [
                "iam:UpdateAssumeRolePolicy",
                "iam update-assume-role-policy --role-name native-buildx-prod-ci --policy-document {}",
            ],
            [
                "sts:AssumeRole",
                "sts assume-role --role-session-name x --role-arn arn:aws:iam::123456789012:role/native-buildx-prod-ci",
            ],
            [
                "sts:AssumeRole",
                "sts assume-role --role-session-name x --role-arn arn:aws:iam::123456789012:role/native-buildx-prod-amd64",
            ],
            [
                "sts:AssumeRoleWithWebIdentity",
                `sts assume-role-with-web-identity --role-session-name x --role-arn arn:aws:iam::123456789012:role/native-buildx-prod-ci --web-identity-token ${githubToken("repo:ORGANIZATION/REPOSITORY:pull_request")}`,
            ],
        ])("may not do %s: %s", async (action, words) => {
            const { BlockDeviceMappings = [] } = await prod.instance("amd64");
            const values = {
                INSTANCE: await prod.instanceId("amd64"),
                VOLUME: BlockDeviceMappings.find(({ DeviceName }) => DeviceName === "/dev/sdf")?.Ebs?.VolumeId ?? "",
                GROUP: (await group(prod)).id,
            };
            const args = words.split(" ").map((word) => values[word as keyof typeof values] ?? word);
            const { code, output } = await untrusted.run("aws", args);
            expect(output).toMatch(notAllowed(action, ".*"));
            expect(code).not.toBe(0);
        });

        it("has the caches and the images that main's jobs published", async () => {
            const cache = ["--cache-from", `type=registry,ref=${trusted}/app:cache-amd64`];
            const fresh = await pr.succeed(untrusted.build(image, ...cache));
            expect(fresh.output).toMatch(
                /importing cache manifest from .*native-buildx-prod\/app:cache-amd64\n.* DONE/s,
            );
            expect(fresh.output).toMatch(/\[3\/3\] RUN .*\n#\d+ CACHED/);

            const own = `${(await pr.outputs()).repositoryUrl}:on-main`;
            const onIt = [`FROM ${trusted}/app:latest`, 'RUN ["/step", "expect", "/result", "built by main"]'];
            await pr.succeed(untrusted.build(onIt, "--push", "--tag", own));
            await pr.succeed(untrusted.run("crane", ["manifest", own]));
        });
    });

    describe("a step of a pull request's build", () => {
        it("reaches the registry, where it has no login, and neither the trusted runner nor credentials", async () => {
            const { PrivateIpAddress: inside, PublicIpAddress: outside } = await prod.instance("amd64");
            const registry = `${trusted.split("/")[0]}:443`;
            const closed = [`${inside}:${port}`, `${outside}:${port}`, `${metadata}:80`];
            const words = [registry, ...closed].map((address) => `"${address}"`).join(", ");
            const { output } = await pr.succeed(
                untrusted.build([...fromStep, `RUN ["/step", "reach", ${words}]`], "--no-cache"),
            );
            expect(output).toContain(`reached ${registry}`);
            for (const address of closed) {
                expect(output).toContain(`cannot reach ${address}`);
            }
            // The port is open, to those who are named.
            expect(await takes(outside ?? "")).toBe(true);

            const url = `https://${trusted.replace("/", "/v2/")}/app/manifests/latest`;
            const asked = await untrusted.build(["FROM scratch", `ADD ${url} /manifest`], "--no-cache");
            expect(asked.output).toMatch(/invalid response status 401/);
            expect(asked.code).not.toBe(0);
        });

        it("finds, and leaves, nothing in the trusted runner's cache mounts", async () => {
            const mount = "--mount=type=cache,id=packages,target=/packages";
            const poison = [...fromStep, `RUN ${mount} ["/step", "write", "/packages/tool", "poison"]`];
            const look = [...fromStep, "ARG AT", `RUN ${mount} ["/step", "expect", "/packages/tool", "poison"]`];
            await pr.succeed(untrusted.build(poison, "--no-cache"));
            // On a runner that both used it would be there.
            await pr.succeed(untrusted.build(look, "--no-cache"));
            const { code, output } = await main.build(look, "--no-cache");
            expect(output).toMatch(/open \/packages\/tool: no such file/);
            expect(code).not.toBe(0);
        });
    });

    const takes = (host: string) =>
        new Promise<boolean>((resolve) => {
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

    describe("whoever has become root on the untrusted runner", () => {
        /** What the metadata service gives the instance. */
        async function roleOf(project: Ec2Project): Promise<{ [name: string]: string }> {
            const url = `http://${metadata}/latest`;
            const script = `token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' ${url}/api/token)
                get() { curl -fsS -H "X-aws-ec2-metadata-token: $token" "${url}/meta-data/iam/security-credentials/$1"; }
                get "$(get '')"`;
            const { stdout } = await simulation.execute(await project.instanceId("amd64"), script);
            const found = JSON.parse(stdout) as { [name: string]: string };
            const { AccessKeyId = "", SecretAccessKey = "", Token = "" } = found;
            return {
                AWS_ACCESS_KEY_ID: AccessKeyId,
                AWS_SECRET_ACCESS_KEY: SecretAccessKey,
                AWS_SESSION_TOKEN: Token,
            };
        }

        it.each([
            ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod/amd64/keys --value x"],
            ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod/connect/1 --value x"],
            ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod-pr/connect/1 --value x"],
            ["ssm:GetParameter", "ssm get-parameter --with-decryption --name /native-buildx/prod/amd64/keys"],
            ["ssm:GetParameter", "ssm get-parameter --with-decryption --name /native-buildx/prod-pr/amd64/keys"],
            ["ecr:GetAuthorizationToken", "ecr get-login-password"],
            ["ec2:DescribeInstances", "ec2 describe-instances"],
            [
                "sts:AssumeRole",
                "sts assume-role --role-session-name x --role-arn arn:aws:iam::123456789012:role/native-buildx-prod-ci",
            ],
        ])("may not do %s: %s", async (action, words) => {
            const { code, output } = await pr.run("aws", words.split(" "), { env: await roleOf(pr) });
            expect(output).toMatch(notAllowed(action, ".*"));
            expect(code).not.toBe(0);
        });

        it("may write the keys of this runner, as prod's may write its own", async () => {
            for (const project of [pr, prod]) {
                const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN } = await roleOf(project);
                const ssm = new SSMClient({
                    ...simulation.client,
                    credentials: {
                        accessKeyId: AWS_ACCESS_KEY_ID,
                        secretAccessKey: AWS_SECRET_ACCESS_KEY,
                        sessionToken: AWS_SESSION_TOKEN,
                    },
                });
                const Name = `/native-buildx/${project.stack}/amd64/keys`;
                const stopped = { Name, Type: "SecureString", Value: "stopped", Overwrite: true } as const;
                await ssm.send(new PutParameterCommand(stopped));
            }
        });

        it("does not reach the trusted runner, whose security group does not name this address", async () => {
            const { PrivateIpAddress: inside, PublicIpAddress: outside } = await prod.instance("amd64");
            const { PrivateIpAddress: own } = await pr.instance("amd64");
            const reach = async (host?: string) =>
                (
                    await simulation.execute(
                        await pr.instanceId("amd64"),
                        `curl -sSk --max-time 5 https://${host}:${port}/ 2>&1`,
                    )
                ).stdout;
            for (const host of [inside, outside]) {
                expect(await reach(host)).toMatch(/timed out|refused/);
            }
            // It is the group: with it out of the way there is the certificate that nobody has but the runner's clients.
            const { id: GroupId } = await group(prod);
            const rule = { IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp: `${own}/32` }] };
            await simulation.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
            try {
                expect(await reach(inside)).toMatch(/alert|certificate|reset|closed/);
            } finally {
                await simulation.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
            }
        });
    });

    it("changes nothing that is trusted: the same images, parameters and rules, and an up that has nothing to do", async () => {
        expect(await whatIsPublished()).toEqual(published);
        const { output } = await prod.succeed(prod.up());
        expect(output).toMatch(/^Resources:\n +\d+ unchanged\n/m);
        await prod.succeed(
            main.build([`FROM ${trusted}/app:latest`, 'RUN ["/step", "expect", "/result", "built by main"]']),
        );
    });

    it("reads the trusted caches by itself where `up` builds: in a stack of a developer's own", async () => {
        const own = Ec2Project.createIn(
            simulation,
            "own",
            {
                ...{ runners: "local", localPort: 26_510, registry: "ecr", readsFrom: ["prod"], forceDelete: true },
                ...{ platforms: ["linux/amd64"], images: { app: { context: "app" } } },
            },
            60,
        );
        try {
            own.context("app", image);
            await own.init();
            await own.succeed(own.up());
            const receipts = await own.succeed(own.pulumi("stack", "output", "receipts"));
            expect(receipts.output).toMatch(/cached/);
            expect(await own.fileIn("app", "amd64", "result")).toBe("built by main");
            await own.succeed(own.pulumi("destroy", "--yes", "--skip-preview"));
        } finally {
            await own.end();
        }
    });

    it("takes nothing of the trusted stack with it when it is destroyed", async () => {
        await pr.succeed(pr.pulumi("config", "set", "forceDelete", "true"));
        await pr.succeed(pr.up());
        await pr.succeed(pr.pulumi("destroy", "--yes", "--skip-preview"));
        const left = await simulation.account();
        expect(JSON.stringify(left)).not.toContain("prod-pr");
        expect(left["eu-central-1 repositories"]).toEqual(["native-buildx-prod", "native-buildx-prod/app"]);
        expect(await whatIsPublished()).toEqual(published);
        expect((await prod.succeed(prod.up())).output).toMatch(/^Resources:\n +\d+ unchanged\n/m);
    });
});
