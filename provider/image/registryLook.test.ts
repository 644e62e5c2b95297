import { createHash } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import pLimit from "p-limit";
import { checkout } from "../../tests/helpers/checkout";
import { quietWork } from "../../tests/helpers/quietWork";
import { lookAgain, type Tagged } from "./registryLook";

jest.setTimeout(120_000);

/** A registry's manifest, of this name. */
const manifest = (name: string) => {
    const mediaType = "application/vnd.oci.image.index.v1+json";
    return JSON.stringify({ schemaVersion: 2, mediaType, manifests: [], annotations: { name } });
};
const digestOf = (body: string) => `sha256:${createHash("sha256").update(body).digest("hex")}`;
const [pushed, others] = [manifest("pushed"), manifest("somebody else's")];
const digest = digestOf(pushed);

describe("a refresh of many images", () => {
    let server: Server;
    let answer: RequestListener;
    let repository: string;
    const { PATH } = process.env;
    const timeout = AbortSignal.timeout;

    beforeEach(async () => {
        process.env.PATH = `${path.join(checkout, "tools/bin")}:${PATH}`;
        server = createServer((asked, answered) => answer(asked, answered));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        repository = `127.0.0.1:${(server.address() as AddressInfo).port}/app`;
    });
    afterEach(async () => {
        process.env.PATH = PATH;
        jest.restoreAllMocks();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    });

    function refresh(count: number, limitMs: number, said: string[] = []): Promise<(Tagged | undefined)[]> {
        jest.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout.call(AbortSignal, limitMs));
        const work = { ...quietWork("image"), log: (_severity: string, text: string) => said.push(text) };
        const looks = Array.from({ length: count }, (_, at) => {
            const tag = `${repository}${at}:latest`;
            return lookAgain({ tags: [tag], digest, ref: `${tag}@${digest}` }, work);
        });
        return Promise.all(looks);
    }

    it("sees all tags that were moved, at a registry that answers a few at a time", async () => {
        let [open, most] = [0, 0];
        const turns = pLimit(8);
        answer = ({ method, url = "" }, answered) => {
            open += 1;
            most = Math.max(most, open);
            void turns(async () => {
                await new Promise((resolve) => setTimeout(resolve, 750));
                open -= 1;
                const body = url.endsWith(digest) ? pushed : others;
                answered.writeHead(200, {
                    "content-type": "application/vnd.oci.image.index.v1+json",
                    "content-length": body.length,
                    "docker-content-digest": digestOf(body),
                });
                answered.end(method === "HEAD" ? undefined : body);
            });
        };
        const found = await refresh(32, 5000);
        expect(found.filter((image) => image?.movedTags?.length === 1)).toHaveLength(32);
        expect(most).toBeLessThanOrEqual(8);
    });

    it("says once that the registry did not answer, and does not ask it for ever", async () => {
        const asked = new Set<string | undefined>();
        answer = ({ url }) => asked.add(url);
        const said: string[] = [];
        const found = await refresh(40, 500, said);
        expect(found.every((image) => image && !image.movedTags)).toBe(true);
        expect(said).toEqual([expect.stringContaining("127.0.0.1")]);
        // Eight looks before it is given up, and those that began meanwhile.
        expect(asked.size).toBeLessThan(16);
    });
});
