import { Connections } from "../buildx/connectScript";
import type { Work } from "../resource";
import { type PlatformImageInputs, PlatformImageResource } from "./platformImage";

test("secrets that buildx cannot be given are refused in the check, each by its id, before a runner is woken", async () => {
    const resource = new PlatformImageResource(new Connections());
    const inputs: PlatformImageInputs = {
        ...{ platform: "linux/amd64", runner: "amd64", builder: "b", context: "https://example.org/a.tar" },
        ...{ args: {}, contexts: {}, tags: ["r/a:1"], cacheFrom: [], cacheTo: [] },
        secrets: { fine: "text", key: "s3cr3t\0", certificate: "s3cr3t\ufffd" },
        here: { connect: "", project: __dirname, buildsPerRunner: 1 },
    };
    const work: Work = {
        urn: "u",
        signal: new AbortController().signal,
        status: () => undefined,
        log: () => undefined,
    };
    const message = await resource.check(inputs, work, {}).then(String, String);
    expect(message).toMatch(/Secret key has bytes that are no text.*\n.*Secret certificate has bytes/);
    expect(message).not.toMatch(/s3cr3t|fine/);
});
