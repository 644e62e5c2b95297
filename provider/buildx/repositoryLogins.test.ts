import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { checkout } from "../../tests/helpers/checkout";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { type Buildx, withBuildx } from "./buildx";
import { findBuildx } from "./findBuildx";
import { runBuildx } from "./runBuildx";

describe("the caller's login for a single repository", () => {
    const folder = temporaryFolder();
    const environment = {
        PATH: `${path.join(checkout, "tools/bin")}:${process.env.PATH}`,
        ...{ HOME: folder, BUILDX_CONFIG: path.join(folder, "buildx"), NATIVE_BUILDX_HOME: folder },
    };
    /** A registry without images that asks for a token, and gives one to everybody. */
    let asked = "";
    const server = createServer(async (request, answer) => {
        if (request.url?.startsWith("/token")) {
            for await (const part of request) {
                asked += part;
            }
            answer.end(JSON.stringify({ token: "t", access_token: "t" }));
            return;
        }
        const realm = `http://${registry()}/token`;
        const challenge = `Bearer realm="${realm}",service="s",scope="repository:app:pull"`;
        const isKnown = request.headers.authorization === "Bearer t";
        answer.writeHead(isKnown ? 404 : 401, isKnown ? {} : { "www-authenticate": challenge });
        answer.end();
    });
    const registry = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;
    beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
    afterAll(() => {
        server.close();
        rmSync(folder, { recursive: true });
    });

    /** What the token service is told where buildx looks at an image. */
    async function told(look: (buildx: Buildx, ref: string) => Promise<unknown>): Promise<string> {
        asked = "";
        await withBuildx({ logins: [], stack: "s", environment }, (buildx) => look(buildx, `${registry()}/app:1`));
        return asked;
    }

    it.each([
        ["joins and reads indexes", (buildx: Buildx, ref: string) => buildx.find(ref)],
        [
            "builds on a stack's builders",
            async (buildx: Buildx, ref: string) => {
                const program = { command: await findBuildx(environment), environment: buildx.environment, folder };
                const words = ["imagetools", "inspect", ref];
                await runBuildx({ ...program, hide: (text) => text, signal: undefined }, words);
            },
        ],
    ])("is used by what %s, as long as it is there", async (_what, look) => {
        const own = path.join(folder, "buildx/config", registry(), "app");
        mkdirSync(own, { recursive: true });
        const auths = { [registry()]: { auth: Buffer.from("me:secret").toString("base64") } };
        writeFileSync(path.join(own, "config.json"), JSON.stringify({ auths }));
        expect(await told(look)).toContain("username=me");
        rmSync(own, { recursive: true });
        expect(await told(look)).not.toContain("username=");
    });
});
