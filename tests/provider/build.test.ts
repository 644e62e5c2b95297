import { fromStep } from "../e2e/project";
import { Buildkit } from "./buildkit";

jest.setTimeout(120_000);

const buildkit = new Buildkit();
beforeAll(() => buildkit.start());
afterAll(() => buildkit.end());

test("what was pushed, what it took, and the Dockerfile's warnings", async () => {
    const context = buildkit.context("plain", [...fromStep, 'RUN ["/step", "print", "hello\\\\n", "1"]', "LABEL a b"]);
    const said: string[] = [];
    const first = await buildkit.build({ context }, { onProgress: (text) => said.push(text) });
    expect(await buildkit.run("crane", ["digest", `${buildkit.registry}/app:latest`])).toBe(`${first.digest}\n`);
    expect(first.receipt).toMatchObject({ platform: "linux/amd64", waking: 0, cached: 0, all: 2 });
    const second = await buildkit.build({ context });
    expect(second.receipt).toMatchObject({ cached: 2, all: 2 });
    expect(second.receipt.slowest).toBeUndefined();
});
