import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { describeWithBuildkit } from "../../tests/helpers/buildkit";
import { readReceipt } from "../progress/receipt";
import type { PlatformImageInputs } from "./platformImage";
import { RemoteContextsBench } from "./remoteContextsBench";

jest.setTimeout(180_000);

describeWithBuildkit("contexts that are fetched", () => {
    const bench = new RemoteContextsBench();
    const { folder, buildkit, server } = bench;

    describe("with logins", () => {
        const secret = "S3KRET";
        const authorization = `Basic ${Buffer.from(`me:${secret}`).toString("base64")}`;
        const archive = (text: string) => {
            const files = mkdtempSync(path.join(folder, "archive-"));
            writeFileSync(path.join(files, "Dockerfile"), text);
            writeFileSync(path.join(files, "file"), "");
            return execFileSync("tar", ["--create", "--gzip", "--directory", files, "."]);
        };
        let packed: Buffer;
        let host: string;
        const http = createServer(({ headers }, response) => {
            const isLetIn = headers.authorization === authorization;
            response.writeHead(isLetIn ? 200 : 401, { etag: '"1"' }).end(isLetIn ? packed : "");
        });
        beforeAll(async () => {
            await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
            host = `127.0.0.1:${(http.address() as AddressInfo).port}`;
        });
        afterAll(() => http.close());

        /** Everything that is printed or kept of an image, its attestations included. */
        const shownOf = async (changes: Partial<PlatformImageInputs>) => {
            const statuses: string[] = [];
            const told = { ...bench.work("image"), status: (text: string) => statuses.push(text) };
            const checked = await bench.resource.check(bench.inputs("linux/amd64", changes), told, {});
            const { outputs } = await bench.resource.create(checked, told);
            const { manifests } = JSON.parse(await buildkit.run("crane", ["manifest", outputs.ref]));
            const repository = outputs.ref.replace(/:[^:/]*@.*$/, "");
            const attested = manifests[1].digest;
            const { layers } = JSON.parse(await buildkit.run("crane", ["manifest", `${repository}@${attested}`]));
            const blobs = layers.map(({ digest }: { digest: string }) =>
                buildkit.run("crane", ["blob", `${repository}@${digest}`]),
            );
            return [JSON.stringify(outputs.receipt), ...statuses, ...bench.said, ...(await Promise.all(blobs))].join(
                "\n",
            );
        };

        test("archives are fetched by a secret, which nothing shows", async () => {
            packed = archive("FROM scratch\nCOPY --from=other / /\n");
            const context = `http://${host}/a.tar.gz`;
            const secrets = { "HTTP_AUTH_HEADER_127.0.0.1": authorization };
            const text = await shownOf({ context, contexts: { other: context }, secrets, provenance: "max" });
            expect(text).toContain(context);
            expect(text).not.toContain(authorization.slice(6));
            expect(bench.said).toEqual([]);
        });

        test("what a Dockerfile names by an address with a login is shown without it", async () => {
            packed = archive("");
            bench.push("main", "one");
            const dockerfile = path.join(folder, "Dockerfile.add");
            writeFileSync(dockerfile, `FROM scratch\nADD http://me:${secret}@${host}/a?sig=${secret} /\n`);
            const statuses: string[] = [];
            const told = { ...bench.work("image"), status: (text: string) => statuses.push(text) };
            const given = bench.inputs("linux/amd64", { context: server.address, dockerfile, sourceLabels: false });
            const { outputs } = await bench.resource.create(await bench.resource.check(given, told, {}), told);
            expect(JSON.stringify([outputs.receipt, statuses])).not.toContain(secret);
            expect(JSON.stringify(outputs.receipt)).toContain(`ADD http://***@${host}/a?sig=*** /`);
            writeFileSync(dockerfile, `FROM scratch\nADD http://me:no-${secret}@${host}/a?sig=${secret} /\n`);
            const failed = bench.resource.create(await bench.resource.check(given, told, {}), told);
            await expect(failed).rejects.toThrow(`http://***@${host}/a?sig=***`);
            await expect(failed).rejects.not.toThrow(secret);
        });
    });

    describe("what it takes to fetch one is shown, and in the receipt:", () => {
        /** Milliseconds that the server waits before it answers. */
        const delay = 500;

        async function expectFetch(
            context: Partial<PlatformImageInputs>,
            step: string,
            slowDown: () => void,
        ): Promise<void> {
            const checked = await bench.check("linux/amd64", context);
            slowDown();
            const { receipt } = await bench.build(checked);
            const fetches = readReceipt(receipt).parts.filter(({ name }) => name.startsWith(step));
            expect(fetches).toEqual([expect.objectContaining({ kind: "context", cached: false })]);
            expect(receipt.total).toBeGreaterThanOrEqual(delay / 1000);
            expect(bench.shown.filter((text) => text.startsWith(step))).toHaveLength(1);
        }

        test("an archive", async () => {
            const files = path.join(folder, "slow");
            mkdirSync(files);
            writeFileSync(path.join(files, "Dockerfile"), "FROM scratch\nCOPY . /\n");
            const archive = execFileSync("tar", ["--create", "--gzip", "--directory", files, "."]);
            let wait = 0;
            const http = createServer((_request, response) => {
                setTimeout(() => response.writeHead(200, { etag: '"1"' }).end(archive), wait);
            });
            await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
            const context = `http://127.0.0.1:${(http.address() as AddressInfo).port}/slow.tar.gz`;
            await expectFetch({ context }, "[internal] load remote build context", () => {
                wait = delay;
            }).finally(() => http.close());
        });

        test("a git repository", async () => {
            bench.push("main", "slow");
            const context = { context: `${server.privateAddress}#main`, secrets: { GIT_AUTH_TOKEN: server.token } };
            await expectFetch(context, "[internal] load git source http://127.0.0.1", () => {
                server.delay = delay;
            }).finally(() => {
                server.delay = 0;
            });
        });
    });
});
