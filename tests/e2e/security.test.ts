import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { describeHere, fromStep, Project, type Result } from "./project";

jest.setTimeout(240_000);

describeHere("mutual TLS", () => {
    let project: Project;

    beforeAll(async () => {
        project = await Project.create("secure");
        project.context("image", [
            ...fromStep,
            'RUN --mount=type=secret,id=token ["/step", "write", "/result", "first"]',
        ]);
        project.configure({
            platforms: ["linux/amd64"],
            images: { image: { context: "image", secrets: ["token"] } },
        });
        await project.init();
        await project.succeed(
            project.pulumi("config", "set", "--secret", "--path", "buildSecrets.token", "s3cr3t-v4lue"),
        );
        await project.succeed(project.up());
    });

    afterAll(() => project?.end());

    const clientFolder = () => path.join(project.machine.user, ".docker/native-buildx/native-buildx-secure");
    const runnerTls = () => path.join(project.runnerFolder("amd64"), "tls");

    /** Asks the runner for its workers over its port, as a client with these files. */
    function ask(files: { cert?: string; key?: string; ca?: string }): Promise<Result> {
        const { cert, key, ca = path.join(clientFolder(), "ca.pem") } = files;
        const own = cert && key ? ["--tlscert", cert, "--tlskey", key] : [];
        const address = `tcp://127.0.0.1:${project.port + 1}`;
        const name = ["--tlsservername", "amd64.runner.native-buildx.internal"];
        return project.run("buildctl", ["--addr", address, "--tlscacert", ca, ...name, ...own, "debug", "workers"]);
    }

    // In TLS 1.3 the server judges the client's certificate after the client is done: it sees an alert or, where the
    // connection is closed before it reads that, a reset.
    const refused =
        /(certificate required|bad certificate|unknown certificate|expired certificate|connection reset|broken pipe|EOF)/;
    const ours = () => ({ cert: path.join(clientFolder(), "cert.pem"), key: path.join(clientFolder(), "key.pem") });

    function openssl(...args: string[]): void {
        execFileSync("openssl", args, { stdio: "ignore" });
    }

    /** A client certificate signed by an authority, valid for so many days from now. */
    function clientOf(name: string, ca: { cert: string; key: string }, days: string[]): { cert: string; key: string } {
        const folder = path.join(project.folder, name);
        mkdirSync(folder, { recursive: true });
        const [key, request, cert] = ["key.pem", "request.pem", "cert.pem"].map((file) => path.join(folder, file));
        const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        openssl("req", ...curve, "-subj", "/CN=client", "-keyout", key as string, "-out", request as string);
        const config = path.join(folder, "ca.cnf");
        writeFileSync(
            config,
            [
                "[ca]\ndefault_ca = own",
                `[own]\ndatabase = ${folder}/index\nnew_certs_dir = ${folder}\nrand_serial = yes\ndefault_md = sha256`,
                "policy = any\nx509_extensions = client",
                "[any]\ncommonName = supplied",
                "[client]\nextendedKeyUsage = clientAuth\nkeyUsage = critical, digitalSignature\n",
            ].join("\n"),
        );
        writeFileSync(path.join(folder, "index"), "");
        const signer = ["-cert", ca.cert, "-keyfile", ca.key, "-config", config];
        openssl("ca", "-batch", "-notext", ...signer, ...days, "-in", request as string, "-out", cert as string);
        return { cert: cert as string, key: key as string };
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
        const ca = { cert: path.join(folder, "ca.pem"), key: path.join(folder, "ca-key.pem") };
        const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        openssl("req", "-x509", ...curve, "-subj", "/CN=other", "-days", "2", "-keyout", ca.key, "-out", ca.cert);
        const { code, output } = await ask(clientOf("stranger-client", ca, ["-days", "1"]));

        expect(code).not.toBe(0);
        expect(output).toMatch(refused);
    });

    it("refuses a client whose certificate expired, though the stack's own authority signed it", async () => {
        // The authority's key is nowhere but in the state: it is asked for as its owner can.
        const { output: exported } = await project.succeed(project.pulumi("stack", "export", "--show-secrets"));
        const state = JSON.parse(exported) as {
            deployment: { resources: { type: string; outputs?: { [name: string]: unknown } }[] };
        };
        const authority = state.deployment.resources.find(({ type }) => type.includes("CertificateAuthority"));
        const texts = JSON.stringify(authority?.outputs);
        const key = /-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----/.exec(texts)?.[0] ?? "";
        const ca = { cert: path.join(clientFolder(), "ca.pem"), key: path.join(project.folder, "authority-key.pem") };
        writeFileSync(ca.key, `${key.replace(/\\+n/g, "\n")}\n`, { mode: 0o600 });

        const valid = await ask(clientOf("valid", ca, ["-days", "1"]));
        expect(valid.code).toBe(0);
        const days = ["-startdate", "20240101000000Z", "-enddate", "20240201000000Z"];
        const { code, output } = await ask(clientOf("expired", ca, days));
        expect(code).not.toBe(0);
        expect(output).toMatch(refused);
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

    it("replaces a runner's certificate in place, for its next start, and never the authority", async () => {
        const before = readFileSync(path.join(runnerTls(), "cert.pem"), "utf8");
        const authority = readFileSync(path.join(runnerTls(), "ca.pem"), "utf8");
        const supervisor = project.pid("amd64");
        await project.succeed(project.pulumi("config", "set", "certificateValidityDays", "300"));
        const { output } = await project.succeed(project.up());
        expect(output).not.toMatch(/LeafCertificate .* (replac|delet)/);
        expect(output).toMatch(/certificates-server-amd64 updated/);

        await project.succeed(project.run("sh", ["-s"], { input: await project.connectScript() }));
        // It serves on, with the certificate it began with; the new one lies ready.
        expect(project.pid("amd64")).toBe(supervisor);
        const after = readFileSync(path.join(runnerTls(), "cert.pem"), "utf8");
        expect(after).not.toBe(before);
        expect(readFileSync(path.join(runnerTls(), "ca.pem"), "utf8")).toBe(authority);

        project.stopRunners("amd64");
        await project.succeed(project.run("sh", ["-s"], { input: await project.connectScript() }));
        const shown = await project.run("sh", [
            "-c",
            'openssl s_client -connect "127.0.0.1:$0" -CAfile "$1" </dev/null 2>/dev/null | openssl x509',
            String(project.port + 1),
            path.join(runnerTls(), "ca.pem"),
        ]);
        expect(shown.output.trim()).toBe(after.trim());
    });
});
