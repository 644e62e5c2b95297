import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { fromStep } from "../../tests/helpers/stepImage";
import { withBuildx } from "./buildx";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();

/** The real registry, behind one that takes so many manifests a second and refuses more, as ECR does. */
let front: Server;
let [taken, refused] = [0, 0];
const manifestsPerSecond = 5;
beforeAll(async () => {
    let second = 0;
    front = createServer((asked, answer) => {
        if (asked.method === "PUT" && asked.url?.includes("/manifests/")) {
            const now = Math.floor(performance.now() / 1000);
            taken = now === second ? taken + 1 : 1;
            second = now;
            // The first too, however slowly they come.
            if (taken > manifestsPerSecond || refused === 0) {
                refused += 1;
                answer.writeHead(429, { "content-type": "application/json" });
                answer.end(JSON.stringify({ errors: [{ code: "TOOMANYREQUESTS", message: "Rate exceeded" }] }));
                return;
            }
        }
        const [host, port] = buildkit.registry.split(":");
        const { method, url, headers } = asked;
        const passed = request({ host, port, method, path: url, headers }, (answered) => {
            answer.writeHead(answered.statusCode ?? 500, answered.headers);
            answered.pipe(answer);
        });
        asked.pipe(passed);
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
    front.closeAllConnections();
    await new Promise((resolve) => front.close(resolve));
});

test("images that are joined all at once are joined at a registry that takes a few manifests a second", async () => {
    const repository = `127.0.0.1:${(front.address() as AddressInfo).port}/app`;
    const { digest } = await buildkit.build({
        context: buildkit.context("app", [...fromStep]),
        tags: [`${buildkit.registry}/app:1`],
    });
    const joinIndex = (image: number) =>
        withBuildx({ logins: [], references: [repository] }, (buildx) =>
            buildx.joinIndex({
                tags: ["1.0", "latest"].map((tag) => `${repository}:${tag}-${image}`),
                sources: [`${repository}@${digest}`],
            }),
        );
    const joined = await Promise.all(Array.from({ length: 10 }, (_, image) => joinIndex(image)));
    expect(new Set(joined).size).toBe(1);
    expect(refused).toBeGreaterThan(0);
});
