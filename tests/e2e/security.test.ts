import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { describeHere } from "../helpers/needs";
import { fromStep } from "../helpers/stepImage";
import type { Result } from "./commands";
import { Project } from "./project";

jest.setTimeout(240_000);

describeHere("mutual TLS", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("secure");
        project.context("image", [
            ...fromStep,
            "ARG TOK",
            // The step's name has the value.
            "WORKDIR /$TOK",
            'RUN --mount=type=secret,id=token ["/step", "write", "/result", "first"]',
        ]);
        project.configure({
            platforms: ["linux/amd64"],
            images: { image: { context: "image", secrets: ["token"] } },
        });
        await project.init();
        for (const [name, value] of [
            ["buildSecrets.token", "s3cr3t-v4lue"],
            ["images.image.args.TOK", "s3cr3t-4rgument"],
            ["images.image.labels.word", "s3cr3t-l4bel"],
            ["images.image.annotations.word", "s3cr3t-4nnotation"],
        ] as const) {
            await project.succeed(project.pulumi("config", "set", "--secret", "--path", name, value));
        }
        await project.succeed(project.up());
        await connect();
    });

    afterAll(() => project?.end());

    const connect = async () => project.succeed(project.run("sh", ["-s"], { input: await project.connectScript() }));

    /** The folder of the keys that connect registered the runner with. */
    function clientFolder(): string {
        const builder = "native-buildx-secure-amd64";
        const record = path.join(project.machine.user, `.docker/buildx/instances/${builder}`);
        return path.dirname(JSON.parse(readFileSync(record, "utf8")).Nodes[0].DriverOpts.key);
    }

    /** Asks the runner for its workers over its port, as a client with these files. */
    function ask(files: { cert?: string; key?: string; ca?: string }): Promise<Result> {
        const { cert, key, ca = path.join(clientFolder(), "ca.pem") } = files;
        const own = cert && key ? ["--tlscert", cert, "--tlskey", key] : [];
        const address = `tcp://127.0.0.1:${project.port + 1}`;
        const name = ["--tlsservername", "amd64.runner.native-buildx.internal"];
        // By itself buildctl waits five seconds for an answer, which is little on a busy machine.
        const words = ["--timeout", "60", "--addr", address, "--tlscacert", ca, ...name, ...own];
        return project.run("buildctl", [...words, "debug", "workers"]);
    }

    // In TLS 1.3 the server judges the client's certificate after the client is done: it sees an alert or, where the
    // connection is closed before it reads that, a reset.
    const refused =
        /(certificate required|bad certificate|unknown certificate|expired certificate|connection reset|broken pipe|EOF)/;
    const ours = () => ({ cert: path.join(clientFolder(), "cert.pem"), key: path.join(clientFolder(), "key.pem") });

    function openssl(...args: string[]): void {
        execFileSync("openssl", args, { stdio: "ignore" });
    }

    it("lets the stack's client in", async () => {
        const { code, output } = await ask(ours());

        expect(output).toContain("linux/amd64");
        expect(code).toBe(0);
    });

    it("refuses a client without a certificate", async () => {
        const { code, output } = await ask({});

        expect(code).not.toBe(0);
        expect(output).toMatch(refused);
    });

    it("refuses a client of another authority", async () => {
        const folder = path.join(project.folder, "stranger");
        mkdirSync(folder);
        const script = path.join(__dirname, "../../components/runner/keys.sh");
        execFileSync("sh", ["-c", `. "$0"; make_keys "$1" amd64.runner.native-buildx.internal`, script, folder]);
        const client = readFileSync(path.join(folder, "client.pem"), "utf8").split(/(?<=-----END .*-----\n)/);
        const [cert, key] = ["cert.pem", "key.pem"].map((file) => path.join(folder, `client-${file}`));
        writeFileSync(cert as string, client[1] as string);
        writeFileSync(key as string, client[2] as string);
        const { code, output } = await ask({ cert, key });

        expect(code).not.toBe(0);
        expect(output).toMatch(refused);
    });

    it("refuses a client with yesterday's keys, and connect mends it", async () => {
        const yesterday = { ...ours(), ca: path.join(clientFolder(), "ca.pem") };
        project.stopRunners("amd64");
        await connect();
        const { code, output } = await ask({ ...yesterday, ca: path.join(clientFolder(), "ca.pem") });
        expect(code).not.toBe(0);
        expect(output).toMatch(refused);
        // Nor does it take the runner for the one it knew.
        expect((await ask(yesterday)).output).toMatch(/unknown authority/);
        expect(await ask(ours())).toMatchObject({ code: 0 });
    });

    it("is what a client insists on too: another server's certificate is not accepted", async () => {
        const folder = path.join(project.folder, "impostor");
        mkdirSync(folder);
        const ca = path.join(folder, "ca.pem");
        const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        openssl("req", "-x509", ...curve, "-subj", "/CN=other", "-days", "2", "-keyout", `${ca}.key`, "-out", ca);
        const { code, output } = await ask({ ...ours(), ca });

        expect(code).not.toBe(0);
        expect(output).toMatch(/unknown authority/);
    });

    it("keeps a build's secrets out of the state and the image", async () => {
        const { output } = await project.succeed(project.pulumi("stack", "export"));
        expect(output).not.toContain("s3cr3t-v4lue");
        const { images } = await project.outputs();
        const ref = images.image?.platforms["linux/amd64"] ?? "";
        const { output: config } = await project.succeed(project.run("crane", ["config", ref]));
        expect(config).not.toContain("s3cr3t-v4lue");
    });

    it("keeps secret in the state what is set as a secret of an image, and hands it to the build", async () => {
        const files = readdirSync(project.machine.state, { recursive: true, withFileTypes: true });
        const state = files.filter((file) => file.isFile() && !file.name.endsWith(".gz"));
        const texts = state.map((file) => readFileSync(path.join(file.parentPath, file.name), "utf8")).join("\n");
        expect(texts.includes("native-buildx:index:PlatformImage")).toBe(true);
        expect(texts.match(/s3cr3t-\w+/g)).toBeNull();
        const { images } = await project.outputs();
        const ref = images.image?.platforms["linux/amd64"] ?? "";
        const { output: config } = await project.succeed(project.run("crane", ["config", ref]));
        // So a build argument is no place for a secret all the same.
        expect(config).toContain("s3cr3t-4rgument");
        expect(config).toContain("s3cr3t-l4bel");
    });

    it("keeps keys out of the state and of connect", async () => {
        const { output } = await project.succeed(project.pulumi("stack", "export", "--show-secrets"));
        const script = await project.connectScript();
        const [, key = ""] = readFileSync(path.join(clientFolder(), "key.pem"), "utf8").split("\n");
        expect(key.length).toBeGreaterThan(40);
        for (const text of [output, script]) {
            expect(text).not.toContain(key);
            expect(text).not.toMatch(/-----BEGIN [A-Z ]*(CERTIFICATE|PRIVATE KEY)-----\\*n?[A-Za-z0-9+/]{20}/);
        }
        // One file may be committed: it names nothing of this machine.
        expect(script).not.toContain(project.machine.user);
    });

    describe("BuildKit, woken by somebody who has an identity in every cloud,", () => {
        const asked: string[] = [];
        const mine = createServer((request, response) => {
            asked.push(`${request.url} ${JSON.stringify(request.headers)}`);
            response.writeHead(403).end();
        });
        let url: string;

        beforeAll(async () => {
            await new Promise<void>((resolve) => mine.listen(0, "127.0.0.1", resolve));
            url = `http://127.0.0.1:${(mine.address() as AddressInfo).port}`;
            const home = path.join(project.folder, "caller");
            mkdirSync(path.join(home, ".aws"), { recursive: true });
            const keys = "[default]\naws_access_key_id = AKIAINAFILE\naws_secret_access_key = inafile\n";
            writeFileSync(path.join(home, ".aws/credentials"), keys);
            const identity = {
                HOME: home,
                AWS_ACCESS_KEY_ID: "AKIAOFTHECALLER",
                AWS_SECRET_ACCESS_KEY: "of-the-caller",
                AWS_PROFILE: "default",
                AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container`,
                AWS_EC2_METADATA_SERVICE_ENDPOINT: `${url}/machine`,
                AZURE_TENANT_ID: "tenant-of-the-caller",
                AZURE_CLIENT_ID: "client-of-the-caller",
                AZURE_CLIENT_SECRET: "of-the-caller",
                IDENTITY_ENDPOINT: `${url}/identity`,
                IDENTITY_HEADER: "of-the-caller",
                GOOGLE_APPLICATION_CREDENTIALS: path.join(home, "google.json"),
                ACTIONS_RUNTIME_TOKEN: "of-the-caller",
            };
            project.stopRunners("amd64");
            const input = await project.connectScript();
            await project.succeed(project.run("sh", ["-s"], { input, env: identity }));
            await project.succeed(project.run("sh", ["-s"], { input }));
        });

        afterAll(() => mine.close());

        it("has none of it in its environment", () => {
            const variables = readFileSync(`/proc/${project.buildkitdPid("amd64")}/environ`, "utf8").split("\0");
            expect(variables.join("\n")).not.toMatch(/caller/i);
            expect(variables).toContain(`HOME=${project.runnerFolder("amd64")}`);
        });

        it.each([
            ["S3", "type=s3,region=eu-central-1,bucket=mine,use_path_style=true,endpoint_url=http://", "EC2 IMDS"],
            ["Azure", "type=azblob,name=mine,account_name=mine,account_url=https://", "AZURE_TENANT_ID"],
        ])("uses none for a client's cache on %s", async (_where, cache, reason) => {
            // buildx hands a client's own keys on: whoever has none shows whose others are used.
            const env = {
                AWS_ACCESS_KEY_ID: undefined,
                AWS_SECRET_ACCESS_KEY: undefined,
                AWS_EC2_METADATA_DISABLED: "true",
            };
            project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
            const args = ["build", "--builder", "native-buildx-secure-amd64", "--provenance=false", "nothing"];
            const { code, output } = await project.run(
                "buildx",
                [...args, "--cache-to", `${cache}${new URL(url).host}`],
                { env },
            );

            expect(asked).toEqual([]);
            expect(code).not.toBe(0);
            expect(output).toContain(reason);
            // Azure's SDK names every identity that it tried.
            expect(output).not.toMatch(/ManagedIdentity|WorkloadIdentity|AzureCLI/);
        });
    });
});
