import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Server as TcpServer } from "node:net";
import * as path from "node:path";
import { find } from "../../tests/helpers/find";
import { describeUnless } from "../../tests/helpers/needs";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { archiveVersion } from "./archiveVersion";

const missing = ["curl", "openssl"].find((program) => !find(program));

async function listening(server: TcpServer): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    return (server.address() as AddressInfo).port;
}

describeUnless(missing && `${missing} is not on PATH`)("the version of an archive", () => {
    const folder = temporaryFolder();
    const file = (name: string) => path.join(folder, name);
    const caller = process.env;
    let answer: RequestListener;
    let plain: Server;
    let tls: TcpServer;
    let proxy: Server;
    let proxied: string[];
    let address: string;
    let tlsPort: number;

    beforeAll(async () => {
        mkdirSync(file("no-authorities"));
        mkdirSync(file("authorities"));
        const names = "subjectAltName=DNS:archive.example,IP:127.0.0.1";
        const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file("key.pem")];
        const certificate = ["-subj", "/CN=company", "-addext", names, "-out", file("authorities/ca.pem")];
        execFileSync("openssl", ["req", "-x509", ...key, ...certificate], { stdio: "ignore" });
        execFileSync("openssl", ["rehash", file("authorities")]);
        plain = createServer((request, response) => answer(request, response));
        const cert = readFileSync(file("authorities/ca.pem"));
        tls = createTlsServer({ key: readFileSync(file("key.pem")), cert }, (request, response) =>
            answer(request, response),
        );
        address = `http://127.0.0.1:${await listening(plain)}/a.tar`;
        tlsPort = await listening(tls);
        // The only way to archive.example.
        proxy = createServer((request, response) => {
            proxied.push(`${request.method} ${request.url}`);
            answer(request, response);
        });
        proxy.on("connect", (request, client) => {
            proxied.push(`CONNECT ${request.url}`);
            const server = connect(tlsPort, "127.0.0.1", () => {
                client.write("HTTP/1.1 200 Connection established\r\n\r\n");
                server.pipe(client).pipe(server);
            });
            for (const end of [client, server]) {
                end.on("error", () => undefined);
            }
        });
        await listening(proxy);
    });
    afterAll(() => {
        for (const server of [plain, tls, proxy]) {
            server.close();
        }
        rmSync(folder, { recursive: true });
    });
    beforeEach(() => {
        proxied = [];
        answer = (_request, response) => response.writeHead(200, { etag: '"1"' }).end();
        process.env = Object.fromEntries(
            Object.entries(caller).filter(([name]) => !/_proxy$|^SSL_CERT_|^CURL_/i.test(name)),
        );
    });
    afterEach(() => {
        process.env = caller;
    });
    const proxyAddress = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

    test.each([
        ["SSL_CERT_FILE", { SSL_CERT_FILE: "authorities/ca.pem", SSL_CERT_DIR: "no-authorities" }],
        ["SSL_CERT_DIR", { SSL_CERT_DIR: "authorities" }],
    ])("is asked of a server of an authority in %s, whatever curl has of its own", async (_variable, places) => {
        const secure = `https://127.0.0.1:${tlsPort}/a.tar`;
        expect(await archiveVersion(secure)).toEqual({ reason: expect.stringMatching(/self-signed certificate$/) });
        writeFileSync(file("none.pem"), "");
        process.env.CURL_CA_BUNDLE = file("none.pem");
        for (const [name, place] of Object.entries(places)) {
            process.env[name] = file(place);
        }
        expect(await archiveVersion(secure)).toEqual({ version: '"1"' });
    });

    test.each([
        ["HTTPS_PROXY", "https://archive.example/a.tar", "CONNECT archive.example:443"],
        ["https_proxy", "https://archive.example/a.tar", "CONNECT archive.example:443"],
        ["HTTP_PROXY", "http://archive.example/a.tar", "HEAD http://archive.example/a.tar"],
        ["http_proxy", "http://archive.example/a.tar", "HEAD http://archive.example/a.tar"],
    ])("is asked by the proxy in %s, which NO_PROXY may exclude", async (variable, wanted, asked) => {
        process.env = { ...process.env, [variable]: proxyAddress(), SSL_CERT_FILE: file("authorities/ca.pem") };
        expect(await archiveVersion(wanted)).toEqual({ version: '"1"' });
        expect(proxied).toEqual([asked]);
        process.env.NO_PROXY = "example.org,127.0.0.1";
        expect(await archiveVersion(address)).toEqual({ version: '"1"' });
        expect(proxied).toEqual([asked]);
    });

    test.each([403, 405, 501])("is asked by GET where HEAD gets %s, without the file", async (refused) => {
        const ended = new Promise<void>((resolve) => {
            answer = ({ method }, response) => {
                if (method === "HEAD") {
                    response.writeHead(refused, { etag: '"page"' }).end();
                    return;
                }
                response.writeHead(200, { etag: '"1"' }).on("close", resolve);
                // A file that has no end.
                const fill = () => {
                    while (response.write(Buffer.alloc(100_000))) {}
                };
                fill();
                response.on("drain", fill);
            };
        });
        expect(await archiveVersion(address)).toEqual({ version: '"1"' });
        await ended;
    });

    test("is what the last server says, which does not get the login for the first", async () => {
        const logins: (string | undefined)[] = [];
        answer = ({ headers, url }, response) => {
            logins.push(headers.authorization);
            const location = address.replace("127.0.0.1", "localhost").replace("a.tar", "b.tar");
            const first = { location, etag: '"first"' };
            response.writeHead(url === "/a.tar" ? 302 : 200, url === "/a.tar" ? first : { etag: '"last"' }).end();
        };
        expect(await archiveVersion(address, "Bearer t")).toEqual({ version: '"last"' });
        expect(logins).toEqual(["Bearer t", undefined]);
    });

    test("is asked with any login, which no process list shows, and neither the address", async () => {
        const login = 'Bearer "\\n\\"';
        answer = ({ headers, url }, response) => {
            const isRight = headers.authorization === login && url === "/a[1-2].tar?sig=%22S3KRET";
            response.writeHead(isRight ? 200 : 400, { etag: '"1"' }).end();
        };
        const programs = file("programs");
        mkdirSync(programs);
        writeFileSync(
            path.join(programs, "curl"),
            `#!/bin/sh\necho "$@" >'${file("args")}'\nexec ${find("curl")} "$@"\n`,
        );
        chmodSync(path.join(programs, "curl"), 0o755);
        process.env.PATH = `${programs}:${process.env.PATH}`;
        const signed = address.replace("a.tar", 'a[1-2].tar?sig="S3KRET');
        expect(await archiveVersion(signed, login)).toEqual({ version: '"1"' });
        expect(readFileSync(file("args"), "utf8")).not.toMatch(/Bearer|S3KRET/);
    });

    test("is not known without curl", async () => {
        process.env.PATH = folder;
        expect(await archiveVersion(address)).toEqual({ reason: "curl is not installed" });
    });

    test("is not waited for longer than so many seconds", async () => {
        answer = () => undefined;
        expect(await archiveVersion(address, undefined, 1)).toEqual({
            reason: "no answer within 1 s",
            tooLate: true,
        });
    });
});
