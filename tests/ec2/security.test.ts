import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import {
    DescribeInstanceAttributeCommand,
    DescribeSecurityGroupsCommand,
    DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { Simulation } from "../../packages/simulated-ec2";
import { commandOf, until } from "../e2e/processes";
import { checkout } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import { fromStep, writes } from "../helpers/stepImage";
import { Ec2Project } from "./ec2Project";

jest.setTimeout(300_000);

// What docs/aws.md says of runners and keys, line by line, on a runner that serves. What roles may do:
// policyEvaluator.test.ts, and the replay at the end of story.test.ts.
describeHere("the security of a runner on the simulated EC2", () => {
    let simulation: Simulation;
    let project: Ec2Project;
    let upSaid: string;
    const metadata = "169.254.169.254";

    beforeAll(async () => {
        simulation = Simulation.start();
        project = Ec2Project.createIn(simulation, "secure", {
            platforms: ["linux/amd64"],
            idleMinutes: 15,
            images: { image: { context: "image" } },
        });
        project.context("image", [...fromStep, writes("built")]);
        project.context("listener", [...fromStep, 'RUN ["/step", "listen", "4000", "20"]']);
        await project.init();
        upSaid = (await project.succeed(project.up())).output;
        await project.succeed(project.connect("laptop", "amd64"));
    }, 600_000);

    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    /** Builds by plain buildx on the runner; what that said. */
    const build = async (lines: string[], ...options: string[]) => {
        project.context("attempt", lines);
        const args = ["build", "--builder", "native-buildx-secure-amd64", "--platform", "linux/amd64", "--no-cache"];
        const output = ["--provenance=false", "--progress=plain", "--output", "type=cacheonly", "attempt"];
        // buildx hands a client's own keys on with a cache on S3: whoever has none shows whose others are used.
        const keys = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined };
        const env = { ...project.homeOf("laptop"), ...keys, AWS_EC2_METADATA_DISABLED: "true" };
        return project.run("buildx", [...args, ...options, ...output], { env });
    };

    it("lets build steps reach the outside, but neither the instance's credentials nor the runner itself", async () => {
        const { PrivateIpAddress: own, PublicIpAddress: outside } = await project.instance("amd64");
        const gateway = "10.209.0.1";
        const registry = new URL(`https://${simulation.environment.SIM_REGISTRY}`).hostname;
        const closed = [`${metadata}:80`, `${own}:9753`, `${gateway}:9753`, `${own}:111`];
        const { code, output } = await build([
            ...fromStep,
            `RUN ["/step", "reach", ${[`${registry}:443`, ...closed].map((address) => `"${address}"`).join(", ")}]`,
        ]);

        expect(code).toBe(0);
        expect(output).toContain(`reached ${registry}:443`);
        for (const address of closed) {
            expect(output).toContain(`cannot reach ${address}`);
        }
        expect(outside).not.toBe(own);
    });

    it("lets no build step reach a step of another build", async () => {
        const listening = project.start(
            "buildx",
            [
                ...["build", "--builder", "native-buildx-secure-amd64", "--platform", "linux/amd64", "--no-cache"],
                ...["--provenance=false", "--progress=plain", "--output", "type=cacheonly", "listener"],
            ],
            { env: project.homeOf("laptop") },
        );
        const address = () => /listening on (10\.209\.\d+\.\d+:4000)/.exec(listening.said())?.[1];
        await until("a step to listen", () => address() !== undefined);
        const { output } = await build([...fromStep, `RUN ["/step", "reach", "${address()}"]`]);
        await listening.done;

        expect(output).toContain(`cannot reach ${address()}`);
        expect(listening.said()).not.toContain("somebody connected");
    });

    it("gives what BuildKit itself fetches no credentials either", async () => {
        const { code, output } = await build([
            "FROM scratch",
            `ADD http://${metadata}/latest/meta-data/iam/security-credentials/ /credentials`,
        ]);

        expect(code).not.toBe(0);
        expect(output).toMatch(/dial tcp 169\.254\.169\.254:80: i\/o timeout/);
    });

    it.each([
        [
            "S3",
            "type=s3,region=eu-central-1,bucket=mine,use_path_style=true,endpoint_url=http://",
            "access disabled to EC2 IMDS",
        ],
        // (Azure's SDK sends no credentials without TLS.)
        [
            "Azure",
            "type=azblob,name=mine,account_name=mine,account_url=https://",
            "missing environment variable AZURE_TENANT_ID",
        ],
    ])("has BuildKit use no identity of the machine for a client's cache on %s", async (_where, cache, reason) => {
        const asked: string[] = [];
        const mine = createServer((request, response) => {
            asked.push(JSON.stringify(request.headers));
            response.writeHead(403).end();
        });
        await new Promise<void>((resolve) => mine.listen(0, "0.0.0.0", resolve));
        const { port } = mine.address() as AddressInfo;
        const here = simulation.environment.SIM_CLIENT_CIDR?.split("/")[0];
        const { code, output } = await build(
            ["FROM scratch", "COPY Dockerfile /"],
            "--cache-to",
            `${cache}${here}:${port}`,
        );
        mine.close();

        expect(asked).toEqual([]);
        expect(code).not.toBe(0);
        expect(output).toContain(reason);
        // Azure's SDK names every identity that it tried.
        expect(output).not.toMatch(/ManagedIdentity|WorkloadIdentity|AzureCLI/);
    });

    it.each([
        ["the host's network", "network.host", "--network=host"],
        ["an insecure mode", "security.insecure", "--security=insecure"],
    ])("grants no build %s", async (_name, entitlement, flag) => {
        const { code, output } = await build(
            ["# syntax=", ...fromStep, `RUN ${flag} ["/step", "write", "/result", "attempt"]`],
            "--allow",
            entitlement,
        );

        expect(code).not.toBe(0);
        expect(output).toContain(`${entitlement} is not allowed`);
    });

    it("refuses whoever has no client certificate of the stack", async () => {
        const { PublicIpAddress: host } = await project.instance("amd64");
        const args = ["-sk", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}", `https://${host}:9753/`];
        const { code, output } = await project.run("curl", args);

        expect(code).not.toBe(0);
        expect(output).toBe("000");
    });

    it("admits the port of BuildKit, from the addresses that were named, and nothing else", async () => {
        const { PublicIpAddress: host = "", SecurityGroups } = await project.instance("amd64");
        const GroupIds = SecurityGroups?.map((group) => group.GroupId ?? "");
        const { SecurityGroups: groups } = await simulation.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }));
        expect(groups?.flatMap((group) => group.IpPermissions ?? [])).toMatchObject([
            {
                IpProtocol: "tcp",
                FromPort: 9753,
                ToPort: 9753,
                IpRanges: [{ CidrIp: simulation.environment.SIM_CLIENT_CIDR }],
                Ipv6Ranges: [],
            },
        ]);

        const takes = (port: number) =>
            new Promise<boolean>((resolve) => {
                const socket = connect({ host, port, timeout: 2000 });
                const end = (connected: boolean) => {
                    socket.destroy();
                    resolve(connected);
                };
                socket
                    .on("connect", () => end(true))
                    .on("timeout", () => end(false))
                    .on("error", () => end(false));
            });
        await simulation.execute(await project.instanceId("amd64"), "python3 -m http.server 22 >/dev/null 2>&1 &");
        expect(await takes(9753)).toBe(true);
        expect(await takes(22)).toBe(false);
    });

    it("has its instance as the design says: IMDSv2 with one hop, encrypted volumes, no key pair", async () => {
        const instance = await project.instance("amd64");
        expect(instance.MetadataOptions).toMatchObject({ HttpTokens: "required", HttpPutResponseHopLimit: 1 });
        expect(instance.KeyName).toBeUndefined();
        const VolumeIds = instance.BlockDeviceMappings?.map((mapping) => mapping.Ebs?.VolumeId ?? "");
        const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({ VolumeIds }));
        expect(Volumes?.map((volume) => volume.Encrypted)).toEqual([true, true]);
    });

    it("shows no key in user data, state, outputs, logs, or on a disk", async () => {
        const id = await project.instanceId("amd64");
        const attribute = { InstanceId: id, Attribute: "userData" } as const;
        const { UserData } = await simulation.ec2.send(new DescribeInstanceAttributeCommand(attribute));
        const userData = gunzipSync(Buffer.from(UserData?.Value ?? "", "base64")).toString();
        const state = await project.succeed(project.pulumi("stack", "export"));
        const [, counts] =
            /`(pulumi stack export .*)` says 0;/.exec(readFileSync(path.join(checkout, "docs/aws.md"), "utf8")) ?? [];
        expect((await project.run("sh", ["-c", counts ?? ""])).output).toBe("0\n");
        const outputs = await project.succeed(project.pulumi("stack", "output", "--json"));
        const console = await project.console("amd64");
        const journal = await simulation.execute(id, "journalctl --no-pager");
        const texts = { upSaid, userData, state, outputs, console, journal };
        for (const [name, text] of Object.entries(texts)) {
            expect(`${name}: ${JSON.stringify(text)}`).not.toContain("PRIVATE KEY");
        }
        expect(userData).toContain("native-buildx");

        // Keys are in memory only, and nobody but root reads them. (The words are in BuildKit's programs.)
        const onDisk =
            "grep -rIl --exclude-dir=proc --exclude-dir=sys 'PRIVATE KEY' /etc/native-buildx /usr/local /var /root /home";
        expect((await simulation.execute(id, onDisk)).stdout).toBe("");
        const place = await simulation.execute(id, "stat -c %a /run/native-buildx/key.pem; df --output=fstype /run");
        expect(place.stdout).toMatch(/^600\n.*\ntmpfs\n$/s);
    });

    it("shows no key in the arguments of a process while somebody connects", async () => {
        const running = project.connect("ci", "amd64");
        let ended = false;
        void running.then(() => {
            ended = true;
        });
        const seen: string[] = [];
        await until("connect to end", () => {
            const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
            // In two parts, or this process would be the one that shows it.
            seen.push(...pids.map((pid) => commandOf(Number(pid))).filter((text) => text.includes(`PRIVATE${" "}KEY`)));
            return ended;
        });
        expect((await running).code).toBe(0);
        expect(seen).toEqual([]);
    });
});
