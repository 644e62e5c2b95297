import { existsSync, readdirSync } from "node:fs";
import * as path from "node:path";
import type { Result } from "../e2e/commands";
import type { CiJob } from "./ciJob";
import { image, port, type TrustWorld } from "./trustWorld";

/** An attempt to get at something of the trusted stack: its own jobs may do that. */
export interface Attack {
    what: string;
    attempt(world: TrustWorld, job: CiJob): Promise<Result>;
    /** What whoever may not do it is told. */
    reason: RegExp;
}

/** What AWS says to whoever may not do something. */
export function notAllowed(action: string, resource = ""): RegExp {
    return new RegExp(`not authorized to perform: ${action} on resource: ${resource}`);
}

const repository = "arn:aws:ecr:eu-central-1:\\d+:repository/native-buildx-prod/app because";

export const attacks: Attack[] = [
    {
        what: "its registry cache",
        attempt: ({ trusted }, job) =>
            job.build(image, "--cache-to", `type=registry,mode=max,ref=${trusted}/app:cache-amd64`),
        reason: notAllowed("ecr:(InitiateLayerUpload|PutImage)", repository),
    },
    {
        what: "its images",
        attempt: ({ trusted }, job) =>
            job.build(["FROM scratch", "COPY Dockerfile /x"], "--push", "--tag", `${trusted}/app:release`),
        reason: notAllowed("ecr:(InitiateLayerUpload|PutImage)", repository),
    },
    {
        what: "a tag of an image that is there",
        attempt: ({ trusted }, job) => job.run("crane", ["tag", `${trusted}/app:latest`, "release"]),
        reason: notAllowed("ecr:PutImage", repository),
    },
    {
        what: "the layers of its repository",
        attempt: upload,
        reason: notAllowed("ecr:InitiateLayerUpload", repository),
    },
    {
        what: "the keys of its runner",
        attempt: (_world, job) => {
            const words = ["ssm", "get-parameter", "--with-decryption", "--name", "/native-buildx/prod/amd64/keys"];
            return job.run("aws", words);
        },
        reason: notAllowed("ssm:GetParameter", "arn:aws:ssm:eu-central-1:\\d+:parameter/native-buildx/prod/amd64/keys"),
    },
    {
        what: "its runner, by waking it",
        attempt: async ({ prod }, job) =>
            job.run("aws", ["ec2", "start-instances", "--instance-ids", await prod.instanceId("amd64")]),
        reason: /UnauthorizedOperation.*not authorized to perform: ec2:StartInstances on resource: .*:instance\//,
    },
    {
        what: "its runner, by connecting to it",
        attempt: async ({ prod }, job) => job.connect(await prod.connectScript()),
        reason: /its keys may not be read: ssm:GetParameter on \/native-buildx\/prod\/amd64\/keys is needed/,
    },
    {
        what: "its runner's port, from an address that may open it",
        attempt: knock,
        reason: /alert (bad certificate|unknown ca|certificate unknown)/i,
    },
];

/** The start of an upload; the login is no argument. */
async function upload({ trusted, simulation }: TrustWorld, job: CiJob): Promise<Result> {
    const url = `https://${trusted.replace("/", "/v2/")}/app/blobs/uploads/`;
    const options = ["-sS", "-X", "POST", "-H", "Content-Length: 0", "--cacert", simulation.environment.SIM_CA ?? ""];
    const input = `user = "AWS:${job.password}"\nwrite-out = "%{http_code}"\n`;
    const { output } = await job.run("curl", [...options, "-K", "-", url], input);
    return { code: output.endsWith("202") ? 0 : 1, output };
}

/** Asks the trusted runner something, with the keys that the job has for its own runner. */
async function knock({ prod }: TrustWorld, job: CiJob): Promise<Result> {
    const { PublicIpAddress: host } = await prod.instance("amd64");
    const builder = `native-buildx-${job.project.stack}`;
    const keys = path.join(job.env.HOME ?? "", ".docker/buildx/native-buildx", builder, `${builder}-amd64`);
    const [newest = ""] = existsSync(keys) ? readdirSync(keys) : [];
    const files = ["cert", "key"].flatMap((name) => [`--${name}`, path.join(keys, newest, `${name}.pem`)]);
    // It is the server that has to refuse: the client takes any. In TLS 1.2 the client waits for what the server says.
    const options = ["-sSk", "--tls-max", "1.2", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}"];
    const { output } = await job.run("curl", [...options, ...files, `https://${host}:${port}/`]);
    return { code: /[1-5]\d\d$/.test(output) ? 0 : 1, output };
}

const role = (name: string) =>
    `--role-session-name job --role-arn arn:aws:iam::123456789012:role/native-buildx-${name}`;
const keysParameter = "/native-buildx/prod/amd64/keys";
/** The least that these commands take. */
const text = "x".repeat(100);

/** Commands of the AWS command line that no job may give, and what each asks a permission for. In capitals: prod's, and a pull request's token. */
export const forbiddenToJobs: [string, string][] = [
    ["ecr:BatchDeleteImage", "ecr batch-delete-image --repository-name REPOSITORY --image-ids imageTag=release"],
    ["ecr:PutLifecyclePolicy", `ecr put-lifecycle-policy --repository-name REPOSITORY --lifecycle-policy-text ${text}`],
    ["ecr:SetRepositoryPolicy", `ecr set-repository-policy --repository-name REPOSITORY --policy-text ${text}`],
    ["ecr:DeleteRepository", "ecr delete-repository --force --repository-name REPOSITORY"],
    ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod/connect/1 --value x"],
    ["ssm:PutParameter", `ssm put-parameter --overwrite --name ${keysParameter} --value x`],
    ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod-pr/connect/1 --value x"],
    ["ssm:GetParametersByPath", "ssm get-parameters-by-path --with-decryption --path /native-buildx/prod/amd64"],
    ["ssm:GetParameterHistory", `ssm get-parameter-history --with-decryption --name ${keysParameter}`],
    ["ssm:GetParameters", `ssm get-parameters --with-decryption --names ${keysParameter}`],
    ["ec2:StopInstances", "ec2 stop-instances --instance-ids INSTANCE"],
    ["ec2:TerminateInstances", "ec2 terminate-instances --instance-ids INSTANCE"],
    ["ec2:ModifyInstanceAttribute", "ec2 modify-instance-attribute --instance-id INSTANCE --user-data Value=eA=="],
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
    ["sts:AssumeRole", `sts assume-role ${role("prod-ci")}`],
    ["sts:AssumeRole", `sts assume-role ${role("prod-amd64")}`],
    [
        "sts:AssumeRoleWithWebIdentity",
        `sts assume-role-with-web-identity ${role("prod-ci")} --web-identity-token TOKEN`,
    ],
];

/** The same, of the untrusted runner's own identity. */
export const forbiddenToRunner: [string, string][] = [
    ["ssm:PutParameter", `ssm put-parameter --overwrite --name ${keysParameter} --value x`],
    ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod/connect/1 --value x"],
    ["ssm:PutParameter", "ssm put-parameter --overwrite --name /native-buildx/prod-pr/connect/1 --value x"],
    ["ssm:GetParameter", `ssm get-parameter --with-decryption --name ${keysParameter}`],
    ["ssm:GetParameter", "ssm get-parameter --with-decryption --name /native-buildx/prod-pr/amd64/keys"],
    ["ecr:GetAuthorizationToken", "ecr get-login-password"],
    ["ec2:DescribeInstances", "ec2 describe-instances"],
    ["sts:AssumeRole", `sts assume-role ${role("prod-ci")}`],
];

/** The words of such a command. */
export async function wordsOf(command: string, world: TrustWorld): Promise<string[]> {
    const { BlockDeviceMappings = [] } = await world.prod.instance("amd64");
    const values: { [word: string]: string | undefined } = {
        REPOSITORY: "native-buildx-prod/app",
        INSTANCE: await world.prod.instanceId("amd64"),
        VOLUME: BlockDeviceMappings.find(({ DeviceName }) => DeviceName === "/dev/sdf")?.Ebs?.VolumeId,
        GROUP: (await world.group()).id,
        TOKEN: world.tokenOf("pull_request"),
    };
    return command.split(" ").map((word) => values[word] ?? word);
}
