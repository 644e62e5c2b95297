import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import * as path from "node:path";
import { shells, Workbench } from "../../tests/helpers/workbench";

const script = path.join(__dirname, "keys.sh");
const day = 24 * 60 * 60 * 1000;

describe.each(shells)("keys made in %s", (_name, shell) => {
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
    });
    afterEach(() => bench.dispose());

    const run = (call: string) => bench.run([...shell, "-c", `cd '${bench.folder}'; . '${script}'; ${call}`]);
    const certificate = (...file: string[]) => new X509Certificate(bench.read(path.join(...file)));
    const texts = (file: string) => bench.read(file).split(/(?<=-----END [A-Z ]*-----\n)/);

    it("for a start: an authority, a server by its names, and a client", async () => {
        const folder = "a b'c";
        expect(await run(`make_keys "${folder}" arm64.example amd64.example`)).toEqual({
            status: 0,
            stdout: "",
            stderr: "",
        });
        expect(readdirSync(bench.path(folder)).sort()).toEqual(["ca.pem", "cert.pem", "client.pem", "key.pem"]);
        const ca = certificate(folder, "ca.pem");
        const server = certificate(folder, "cert.pem");
        const [bundled, clientText, clientKey = ""] = texts(`${folder}/client.pem`);
        const client = new X509Certificate(clientText ?? "");
        expect(bundled).toBe(bench.read(`${folder}/ca.pem`));
        expect(ca.ca).toBe(true);
        for (const leaf of [server, client]) {
            expect(leaf.ca).toBe(false);
            expect(leaf.verify(ca.publicKey)).toBe(true);
            expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
        }
        expect(server.subjectAltName).toBe("DNS:arm64.example, DNS:amd64.example");
        // serverAuth and clientAuth: neither can be used as the other.
        expect([server.keyUsage, client.keyUsage]).toEqual([["1.3.6.1.5.5.7.3.1"], ["1.3.6.1.5.5.7.3.2"]]);
        expect(clientKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
        const modes = readdirSync(bench.path(folder)).map((file) => statSync(bench.path(`${folder}/${file}`)).mode);
        expect(new Set(modes.map((mode) => mode & 0o777))).toEqual(new Set([0o600]));
    });

    it("are made where they are asked for, whatever CDPATH is", async () => {
        const result = await run("CDPATH=$PWD:/; make_keys k x.example; make_server_keys tls authority x.example");
        expect(result).toEqual({ status: 0, stdout: "", stderr: "" });
        expect(certificate("k", "cert.pem").subjectAltName).toBe("DNS:x.example");
        expect(certificate("tls", "cert.pem").verify(certificate("authority", "ca.pem").publicKey)).toBe(true);
    });

    it("are valid from a day before, for thirty days", async () => {
        await run("make_keys k x.example");
        for (const file of ["ca.pem", "cert.pem"]) {
            const { validFrom, validTo } = certificate("k", file);
            expect(Math.round((Date.now() - Date.parse(validFrom)) / day)).toBe(1);
            expect(Math.round((Date.parse(validTo) - Date.now()) / day)).toBe(30);
        }
    });

    it("leave nothing of the authority's key, on a disk or in an argument", async () => {
        const openssl = execFileSync("sh", ["-c", "command -v openssl"], { encoding: "utf8" }).trim();
        bench.stub("openssl", `exec ${openssl} "$@"`);
        await run("make_keys k x.example");
        expect(bench.read("calls")).not.toContain("PRIVATE KEY");
        const keys = readdirSync(bench.path("k")).flatMap((file) => texts(`k/${file}`));
        // The server's and the client's.
        expect(keys.filter((text) => text.includes("PRIVATE KEY"))).toHaveLength(2);
    });

    it("of a server that outlives its starts are new each time, its authority the same for ten years", async () => {
        const call = "make_server_keys tls authority registry.example";
        expect(await run(call)).toMatchObject({ status: 0 });
        const [authority, first] = [bench.read("authority/ca.pem"), bench.read("tls/cert.pem")];
        expect(await run(call)).toMatchObject({ status: 0 });
        expect(bench.read("authority/ca.pem")).toBe(authority);
        expect(bench.read("tls/cert.pem")).not.toBe(first);
        const ca = certificate("authority", "ca.pem");
        expect(certificate("tls", "cert.pem").verify(ca.publicKey)).toBe(true);
        expect(Math.round((Date.parse(ca.validTo) - Date.now()) / day)).toBe(3650);
        expect(statSync(bench.path("authority/ca-key.pem")).mode & 0o077).toBe(0);
    });

    it("are all there or none, and it is said why", async () => {
        bench.stub("openssl", 'case $1 in ca) echo "no space left" >&2; exit 1 ;; *) echo key ;; esac');
        expect(await run("make_keys k x.example")).toEqual({
            status: 1,
            stdout: "",
            stderr: "keys: cannot be made in k: no space left\n",
        });
        expect(readdirSync(bench.path("k"))).toEqual([]);
    });
});
