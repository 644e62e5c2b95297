import { type AddressInfo, createServer, type Socket } from "node:net";
import * as path from "node:path";
import { checkout } from "../../tests/helpers/checkout";
import { quietWork } from "../../tests/helpers/quietWork";
import { serving } from "./connectionsBench";
import { ImageIndexResource } from "./imageIndex";

describe("a registry that takes calls and does not answer", () => {
    const calls: Socket[] = [];
    const server = createServer((call) => calls.push(call));
    const { PATH } = process.env;
    const { timeout } = AbortSignal;

    beforeAll(() => {
        process.env.PATH = `${path.join(checkout, "tools/bin")}:${PATH}`;
        jest.spyOn(AbortSignal, "timeout").mockImplementation(() => timeout.call(AbortSignal, 500));
        return new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterAll(() => {
        process.env.PATH = PATH;
        jest.restoreAllMocks();
        server.close();
        for (const call of calls) {
            call.destroy();
        }
    });

    it("ends an index with its name, and the index's row says what it waits for", async () => {
        const registry = `127.0.0.1:${(server.address() as AddressInfo).port}`;
        const shown: string[] = [];
        const work = { ...quietWork("index"), status: (text: string) => shown.push(text) };
        const resource = new ImageIndexResource(serving);
        const wanted = {
            ...{ builder: "b", tags: [`${registry}/app:1`], sources: [`${registry}/app@sha256:${"0".repeat(64)}`] },
            here: { connect: "", project: __dirname, buildsPerRunner: 1 },
        };
        const inputs = await resource.check({ ...wanted, platforms: ["linux/amd64", "linux/arm64"] }, work);
        const message = `registry ${registry} did not answer within 5 minutes`;
        await expect(resource.create(inputs, work)).rejects.toThrow(message);
        expect(shown).toEqual(["joining linux/amd64 and linux/arm64"]);
    });
});
