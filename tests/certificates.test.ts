import { execFile } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as tls from "node:tls";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import {
    authorityProvider,
    type IssuedCertificate,
    issueAuthority,
    issueLeaf,
    type LeafInputs,
    type LeafOutputs,
    type LeafRequest,
    leafProvider,
    needsIssue,
} from "../components/certificateProvider";
import { authorityEnd, Certificates, type CertificatesArgs } from "../components/certificates";

const day = 24 * 60 * 60 * 1000;
const serverRequest: LeafRequest = {
    usage: "server",
    commonName: "arm64.native-buildx.internal",
    dnsNames: ["arm64.native-buildx.internal", "*.example.com"],
    ipAddresses: ["127.0.0.1", "fd00::1"],
    validityDays: 90,
};
const clientRequest: LeafRequest = {
    usage: "client",
    commonName: "client",
    dnsNames: [],
    ipAddresses: [],
    validityDays: 90,
};
const serverAuth = "1.3.6.1.5.5.7.3.1";
const clientAuth = "1.3.6.1.5.5.7.3.2";

/** An extension of a certificate as DER in hexadecimal, from its identifier on. */
function hasDer(certificate: X509Certificate, hex: string): boolean {
    return certificate.raw.toString("hex").includes(hex);
}

describe("an authority", () => {
    const now = new Date("2026-03-01T12:00:00.789Z");
    let issued: IssuedCertificate;
    let certificate: X509Certificate;
    beforeAll(async () => {
        issued = await issueAuthority("native-buildx dev CA", now);
        certificate = new X509Certificate(issued.certificate);
    });

    test("signs itself with ECDSA on P-256", () => {
        expect(certificate.verify(certificate.publicKey)).toBe(true);
        expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
        expect(certificate.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
        expect(certificate.subject).toBe("CN=native-buildx dev CA");
    });

    test("lives ten years, from a few minutes ago", () => {
        expect(issued.notAfter).toBe("2036-03-01T12:00:00.000Z");
        expect(new Date(certificate.validTo).toISOString()).toBe(issued.notAfter);
        expect(new Date(certificate.validFrom).toISOString()).toBe("2026-03-01T11:55:00.000Z");
    });

    test.each([
        // Object identifier, critical (0101ff), value.
        ["basic constraints: an authority, path length 0, critical", "0603551d130101ff040830060101ff020100"],
        ["key usage: signs certificates and revocation lists, critical", "0603551d0f0101ff040403020106"],
        ["subject key identifier", "0603551d0e0416"],
        ["authority key identifier", "0603551d230418"],
    ])("has %s", (_what, der) => {
        expect(hasDer(certificate, der)).toBe(true);
    });

    test("has PEM files that can be appended to one another", () => {
        expect(issued.certificate).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]*\n-----END CERTIFICATE-----\n$/);
        expect(issued.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\s\S]*\n-----END PRIVATE KEY-----\n$/);
    });
});

describe("a leaf certificate", () => {
    const now = new Date("2026-03-01T12:00:00.789Z");
    let authority: IssuedCertificate;
    let certificate: X509Certificate;
    let client: X509Certificate;
    let issued: IssuedCertificate;
    beforeAll(async () => {
        authority = await issueAuthority("CA", now);
        issued = await issueLeaf(authority, serverRequest, now);
        certificate = new X509Certificate(issued.certificate);
        client = new X509Certificate((await issueLeaf(authority, clientRequest, now)).certificate);
    });

    test("is signed by its authority, over its own P-256 key", () => {
        const issuer = new X509Certificate(authority.certificate);
        expect(certificate.checkIssued(issuer)).toBe(true);
        expect(certificate.verify(issuer.publicKey)).toBe(true);
        expect(certificate.ca).toBe(false);
        expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
        expect(certificate.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
        expect(certificate.checkPrivateKey(createPrivateKey(authority.key))).toBe(false);
    });

    test.each([
        ["arm64.native-buildx.internal", true],
        ["registry.example.com", true],
        ["amd64.native-buildx.internal", false],
    ])("for host %s: %s", (host, valid) => {
        expect(certificate.checkHost(host) !== undefined).toBe(valid);
    });

    test.each([
        ["127.0.0.1", true],
        ["fd00::1", true],
        ["127.0.0.2", false],
    ])("for address %s: %s", (address, valid) => {
        expect(certificate.checkIP(address) !== undefined).toBe(valid);
    });

    test("may do one thing only, and sign nothing but handshakes", () => {
        expect(certificate.keyUsage).toEqual([serverAuth]);
        expect(client.keyUsage).toEqual([clientAuth]);
        expect(client.subjectAltName).toBeUndefined();
        const digitalSignatureOnly = "0603551d0f0101ff040403020780";
        expect([certificate, client].map((each) => hasDer(each, digitalSignatureOnly))).toEqual([true, true]);
    });

    test("ends after its validity, in whole seconds", () => {
        expect(issued.notAfter).toBe("2026-05-30T12:00:00.000Z");
        expect(new Date(certificate.validTo).toISOString()).toBe(issued.notAfter);
        expect(new Date(certificate.validFrom).toISOString()).toBe("2026-03-01T11:55:00.000Z");
    });

    test("has a random, positive serial number of 128 bits", async () => {
        const serials = await Promise.all(
            Array.from({ length: 8 }, async () => {
                const { certificate } = await issueLeaf(authority, clientRequest, now);
                return new X509Certificate(certificate).serialNumber;
            }),
        );
        expect(new Set(serials).size).toBe(serials.length);
        // Hexadecimal, without leading zeros: fewer than 24 digits come up once in four billion.
        expect(serials.filter((serial) => !/^[0-9A-F]{24,32}$/.test(serial))).toEqual([]);
    });

    test("does not outlive its authority", async () => {
        const late = new Date("2036-02-01T00:00:00Z");
        expect((await issueLeaf(authority, serverRequest, late)).notAfter).toBe(authority.notAfter);
    });

    test("is refused once the authority has ended", async () => {
        const tooLate = new Date("2036-03-01T12:00:00Z");
        await expect(issueLeaf(authority, serverRequest, tooLate)).rejects.toThrow(
            "No certificate for arm64.native-buildx.internal: CN=CA ended on 2036-03-01T12:00:00.000Z.",
        );
    });

    test("has a long host name's beginning as its common name", async () => {
        const host = `${"a".repeat(60)}.native-buildx.internal`;
        const { certificate } = await issueLeaf(
            authority,
            { ...serverRequest, commonName: host, dnsNames: [host] },
            now,
        );
        expect(new X509Certificate(certificate).subject).toBe(`CN=${host.slice(0, 64)}`);
        expect(new X509Certificate(certificate).checkHost(host)).toBe(host);
    });
});

describe("mutual TLS", () => {
    let authority: IssuedCertificate;
    let server: IssuedCertificate;
    let client: IssuedCertificate;
    let stranger: IssuedCertificate;
    beforeAll(async () => {
        const now = new Date();
        authority = await issueAuthority("CA", now);
        server = await issueLeaf(authority, serverRequest, now);
        client = await issueLeaf(authority, clientRequest, now);
        stranger = await issueLeaf(await issueAuthority("CA", now), clientRequest, now);
    });

    /** "served", or the reason why one of the sides refused. */
    async function handshake(shown: IssuedCertificate | undefined, served: IssuedCertificate, name: string) {
        const listener = tls.createServer(
            {
                cert: served.certificate,
                key: served.key,
                ca: authority.certificate,
                requestCert: true,
                rejectUnauthorized: true,
            },
            (socket) => socket.end("served"),
        );
        await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
        try {
            return await new Promise<string>((resolve) => {
                listener.on("tlsClientError", (error: NodeJS.ErrnoException) => resolve(`server: ${error.code}`));
                const socket = tls.connect({
                    port: (listener.address() as AddressInfo).port,
                    host: "127.0.0.1",
                    servername: name,
                    ca: authority.certificate,
                    cert: shown?.certificate,
                    key: shown?.key,
                });
                socket.on("data", (data) => resolve(data.toString()));
                // What the server refuses, it reports itself.
                socket.on("error", (error: NodeJS.ErrnoException) => {
                    if (!error.code?.startsWith("ERR_SSL") && error.code !== "ECONNRESET") {
                        resolve(`client: ${error.code}`);
                    }
                });
            });
        } finally {
            listener.close();
        }
    }

    const name = "arm64.native-buildx.internal";
    test.each([
        ["the stack's client", () => handshake(client, server, name), "served"],
        [
            "no client certificate",
            () => handshake(undefined, server, name),
            "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
        ],
        ["another stack's client", () => handshake(stranger, server, name), "server: "],
        ["a server as client", () => handshake(server, server, name), "server: "],
        ["a client as server", () => handshake(client, client, "client"), "client: "],
        [
            "another server's name",
            () => handshake(client, server, "amd64.native-buildx.internal"),
            "client: ERR_TLS_CERT_",
        ],
    ])("%s", async (_who, connect, result) => {
        expect(await connect()).toContain(result);
    });
});

describe("renewal", () => {
    const issuedAt = new Date("2026-03-01T00:00:00Z");
    let issued: LeafOutputs;
    let wanted: LeafInputs;
    beforeAll(async () => {
        const authority = await issueAuthority("CA", issuedAt);
        wanted = {
            ...serverRequest,
            authorityCertificate: authority.certificate,
            authorityKey: authority.key,
            renewalDays: 30,
        };
        issued = {
            ...serverRequest,
            authorityCertificate: authority.certificate,
            ...(await issueLeaf(authority, serverRequest, issuedAt)),
        };
    });
    const after = (days: number) => new Date(issuedAt.getTime() + days * day);

    test.each<[string, number, Partial<LeafInputs>, boolean]>([
        ["at once", 0, {}, false],
        ["before the window", 59.99, {}, false],
        ["when the window opens", 60, {}, true],
        ["in the window", 80, {}, true],
        ["after the certificate's end", 200, {}, true],
        ["with a wider window", 10, { renewalDays: 85 }, true],
        ["with a wider window that is not reached", 4, { renewalDays: 85 }, false],
        ["with no window, until the end", 89, { renewalDays: 0 }, false],
        ["with no window, at the end", 90, { renewalDays: 0 }, true],
        ["with another host name", 0, { dnsNames: ["amd64.native-buildx.internal"] }, true],
        ["with another address", 0, { ipAddresses: ["127.0.0.1"] }, true],
        ["with another common name", 0, { commonName: "another" }, true],
        ["with another use", 0, { usage: "client" }, true],
        ["with another validity", 0, { validityDays: 91 }, true],
        ["with another authority", 0, { authorityCertificate: "another" }, true],
    ])("%s", (_when, days, change, expected) => {
        expect(needsIssue(issued, { ...wanted, ...change }, after(days))).toBe(expected);
    });

    test("does not repeat itself when only the authority's end is left to gain", async () => {
        const late = new Date("2036-02-10T00:00:00Z");
        const authority = { certificate: wanted.authorityCertificate, key: wanted.authorityKey };
        const last = { ...issued, ...(await issueLeaf(authority, serverRequest, late)) };
        expect(needsIssue(last, wanted, new Date(late.getTime() + day))).toBe(false);
        const earlier = { ...issued, notAfter: "2036-02-20T00:00:00.000Z" };
        expect(needsIssue(earlier, wanted, late)).toBe(true);
    });
});

describe("the providers", () => {
    let wanted: LeafInputs;
    let authority: IssuedCertificate;
    beforeAll(async () => {
        authority = (await authorityProvider.create({ commonName: "CA" })).outs as IssuedCertificate;
        wanted = {
            ...clientRequest,
            authorityCertificate: authority.certificate,
            authorityKey: authority.key,
            renewalDays: 30,
        };
    });

    test("never change an authority, whatever its inputs", async () => {
        expect(await authorityProvider.diff?.("id", authority, { commonName: "another" })).toEqual({ changes: false });
        expect(authorityProvider.update).toBeUndefined();
    });

    test("renew in place, with a new key from the same authority, and return every output", async () => {
        const created = (await leafProvider.create(wanted)).outs as LeafOutputs;
        expect(await leafProvider.diff?.("id", created, wanted)).toEqual({ changes: false });
        const inWindow = { ...wanted, renewalDays: 90 };
        expect(await leafProvider.diff?.("id", { ...created, notAfter: new Date().toISOString() }, inWindow)).toEqual({
            changes: true,
        });
        const renewed = (await leafProvider.update?.("id", created, inWindow))?.outs as LeafOutputs;
        expect(Object.keys(renewed).sort()).toEqual(Object.keys(created).sort());
        expect(renewed.key).not.toBe(created.key);
        const certificate = new X509Certificate(renewed.certificate);
        expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
        expect(certificate.checkPrivateKey(createPrivateKey(renewed.key))).toBe(true);
    });

    test("keep the authority's key out of a leaf's outputs", async () => {
        expect(JSON.stringify((await leafProvider.create(wanted)).outs)).not.toContain(JSON.stringify(authority.key));
    });

    test("are stored as text that is the same for every checkout, and that works on its own", async () => {
        const project = path.resolve(__dirname, "..");
        const elsewhere = mkdtempSync(path.join(tmpdir(), "native-buildx-test-"));
        try {
            for (const file of ["components/certificateProvider.ts", "tsconfig.json", "package.json"]) {
                cpSync(path.join(project, file), path.join(elsewhere, file));
            }
            symlinkSync(path.join(project, "node_modules"), path.join(elsewhere, "node_modules"));
            const script = `
                const { leafProvider } = require("./components/certificateProvider.ts");
                require("@pulumi/pulumi").runtime.serializeFunction(() => leafProvider)
                    .then(({ text }) => process.stdout.write(text));`;
            const [here, there] = await Promise.all(
                [project, elsewhere].map(async (cwd) => {
                    const { stdout } = await promisify(execFile)("node", ["--import=tsx", "-e", script], { cwd });
                    return stdout;
                }),
            );
            expect(there).toBe(here);
            expect(here).not.toContain(project);
            // As the engine's plugin does: evaluate the text in the project's folder.
            const module: { handler?: () => typeof leafProvider } = {};
            new Function("exports", "require", "global", here ?? "")(module, require, globalThis);
            const issued = (await module.handler?.().create(wanted))?.outs as LeafOutputs;
            const issuer = new X509Certificate(authority.certificate);
            expect(new X509Certificate(issued.certificate).verify(issuer.publicKey)).toBe(true);
        } finally {
            rmSync(elsewhere, { recursive: true });
        }
    }, 60_000);
});

describe("the component", () => {
    const authorityType = "pulumi-nodejs:dynamic/native-buildx:CertificateAuthority";
    const leafType = "pulumi-nodejs:dynamic/native-buildx:LeafCertificate";
    let resources: pulumi.runtime.MockResourceArgs[];
    let authorityNotAfter: string;

    beforeEach(() => {
        resources = [];
        authorityNotAfter = new Date(Date.now() + 3650 * day).toISOString();
    });
    beforeAll(async () => {
        await pulumi.runtime.setMocks(
            {
                newResource: (args) => {
                    resources.push(args);
                    const issued = { certificate: `${args.name} certificate`, key: `${args.name} key` };
                    const state = [authorityType, leafType].includes(args.type)
                        ? { ...args.inputs, ...issued, notAfter: authorityNotAfter }
                        : args.inputs;
                    return { id: args.name, state };
                },
                call: ({ token }) => {
                    throw new Error(`unexpected call of ${token}`);
                },
            },
            "certs",
            "dev",
        );
    });

    const args: CertificatesArgs = {
        servers: {
            "linux-arm64": { dnsNames: ["arm64.native-buildx.internal"] },
            registry: { dnsNames: ["registry.native-buildx.internal", "registry.lan"], ipAddresses: ["10.0.0.1"] },
        },
    };

    function resolved<T>(output: pulumi.Output<T>): Promise<T> {
        return new Promise((resolve) => output.apply(resolve));
    }

    /** What was registered under a name, once everything is registered. */
    async function registered(certificates: Certificates, name: string) {
        const pairs = [...Object.values(certificates.servers), certificates.client];
        await Promise.all([certificates.ca, ...pairs.map((pair) => pair.certificate)].map(resolved));
        const found = resources.find((resource) => resource.name === name);
        if (!found) {
            throw new Error(`${name} is not among ${resources.map((resource) => resource.name).join(", ")}`);
        }
        return found;
    }

    test("asks for an authority, a certificate per server and one client's", async () => {
        const certificates = new Certificates("certs", args);
        await registered(certificates, "certs");
        expect(resources.map(({ type, name }) => [type, name]).sort()).toEqual(
            [
                ["native-buildx:index:Certificates", "certs"],
                [authorityType, "certs-ca"],
                [leafType, "certs-server-linux-arm64"],
                [leafType, "certs-server-registry"],
                [leafType, "certs-client"],
            ].sort(),
        );
        expect(await resolved(certificates.ca)).toBe("certs-ca certificate");
        expect(await resolved(certificates.client.certificate)).toBe("certs-client certificate");
        expect(await resolved(certificates.servers.registry?.key as pulumi.Output<string>)).toBe(
            "certs-server-registry key",
        );
    });

    test.each<[string, LeafRequest]>([
        [
            "certs-server-registry",
            {
                usage: "server",
                commonName: "registry.native-buildx.internal",
                dnsNames: ["registry.native-buildx.internal", "registry.lan"],
                ipAddresses: ["10.0.0.1"],
                validityDays: 365,
            },
        ],
        [
            "certs-client",
            {
                usage: "client",
                commonName: "native-buildx dev client",
                dnsNames: [],
                ipAddresses: [],
                validityDays: 365,
            },
        ],
    ])("declares %s", async (name, request) => {
        const leaf = await registered(new Certificates("certs", args), name);
        expect(leaf.inputs).toMatchObject({
            ...request,
            renewalDays: 60,
            authorityCertificate: "certs-ca certificate",
        });
    });

    test("owns its resources, and their keys are secrets in the state", async () => {
        const options: { [name: string]: pulumi.CustomResourceOptions } = {};
        const certificates = new Certificates("certs", args, {
            transformations: [
                ({ name, opts }) => {
                    options[name] = opts;
                    return undefined;
                },
            ],
        });
        const leaf = await registered(certificates, "certs-client");
        for (const name of ["certs-ca", "certs-client", "certs-server-linux-arm64", "certs-server-registry"]) {
            expect(options[name]?.parent).toBe(certificates);
            expect(options[name]?.additionalSecretOutputs).toEqual(["key"]);
        }
        // A secret input travels to the engine in an envelope of this signature.
        expect(leaf.inputs.authorityKey).toEqual({
            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
            value: "certs-ca key",
        });
    });

    test("hands out keys as secrets, certificates not", async () => {
        const { ca, client, servers } = new Certificates("certs", args);
        expect(await pulumi.isSecret(client.key)).toBe(true);
        expect(await pulumi.isSecret(servers.registry?.key as pulumi.Output<string>)).toBe(true);
        expect(await pulumi.isSecret(ca)).toBe(false);
    });

    test.each<[CertificatesArgs["validityDays"], CertificatesArgs["renewalDays"], number]>([
        [undefined, undefined, 60],
        [90, undefined, 30],
        [90, 89, 89],
        [90, 0, 0],
    ])("validityDays %p and renewalDays %p make a window of %p days", async (validityDays, renewalDays, expected) => {
        const certificates = new Certificates("certs", { ...args, validityDays, renewalDays });
        expect((await registered(certificates, "certs-client")).inputs.renewalDays).toBe(expected);
    });

    test.each<[string, Partial<CertificatesArgs>]>([
        ["renewalDays: 90 is not at least 0 and less than validityDays (90)", { validityDays: 90, renewalDays: 90 }],
        ["renewalDays: -1 is not", { renewalDays: -1 }],
        ["renewalDays: NaN is not", { renewalDays: Number.NaN }],
        ["validityDays: 0 is not more than 0 and at most 825", { validityDays: 0 }],
        ["validityDays: 826 is not", { validityDays: 826 }],
        ["servers.a.dnsNames: empty", { servers: { a: { dnsNames: [] } } }],
        ["servers.a.dnsNames: 10.0.0.1 is an address", { servers: { a: { dnsNames: ["10.0.0.1"] } } }],
        ['servers.a.dnsNames: "a.lan:5000" is not a host name', { servers: { a: { dnsNames: ["a.lan:5000"] } } }],
        ['servers.a.dnsNames: "a.lan." is not a host name', { servers: { a: { dnsNames: ["a.lan."] } } }],
        ['servers.a.ipAddresses: "a" is not an IP', { servers: { a: { dnsNames: ["a"], ipAddresses: ["a"] } } }],
    ])("refuses: %s", (message, wrong) => {
        expect(() => new Certificates("certs", { ...args, ...wrong })).toThrow(message);
    });

    test("names all that is wrong at once", () => {
        const wrong = { servers: { a: { dnsNames: [] }, b: { dnsNames: ["b c"] } }, validityDays: -1 };
        expect(() => new Certificates("certs", wrong)).toThrow(
            /validityDays: -1[\s\S]*servers\.a\.[\s\S]*servers\.b\./,
        );
    });

    test.each<[string, number, "warn" | "error" | undefined]>([
        ["nothing of an authority with years to go", 3000, undefined],
        ["a warning of one that ends soon", 100, "warn"],
        ["an error of one that has ended", -1, "error"],
    ])("logs %s", async (_what, daysLeft, severity) => {
        authorityNotAfter = new Date(Date.now() + daysLeft * day).toISOString();
        const logged = {
            warn: jest.spyOn(pulumi.log, "warn").mockResolvedValue(),
            error: jest.spyOn(pulumi.log, "error").mockResolvedValue(),
        };
        try {
            await registered(new Certificates("certs", args), "certs-ca");
            for (const [each, log] of Object.entries(logged)) {
                expect(log).toHaveBeenCalledTimes(each === severity ? 1 : 0);
            }
        } finally {
            jest.restoreAllMocks();
        }
    });
});

describe("an authority's end", () => {
    const end = new Date("2036-03-01T00:00:00Z");
    test.each<[string, number, number, boolean | undefined]>([
        ["is no matter while certificates live their full life", 91, 90, undefined],
        ["is told when they no longer do", 90, 90, false],
        ["is told 30 days before, for short-lived ones", 30, 2, false],
        ["is not told 31 days before, for short-lived ones", 31, 2, undefined],
        ["is an error when it has come", 0, 90, true],
    ])("%s", (_what, daysLeft, validityDays, ended) => {
        expect(authorityEnd(end, validityDays, "URN", new Date(end.getTime() - daysLeft * day))?.ended).toBe(ended);
    });

    test("is told with its date and its remedy", () => {
        const told = authorityEnd(end, 90, "urn:pulumi:dev::p::T::ca", new Date("2036-02-01T00:00:00Z"));
        expect(told?.message).toContain("ends on 2036-03-01");
        expect(told?.message).toContain("pulumi up --replace 'urn:pulumi:dev::p::T::ca'");
    });
});
