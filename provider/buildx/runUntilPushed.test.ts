import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { frontOf, isManifestPush, refuse } from "../../tests/helpers/registryFront";
import { asleepFor, fromStep } from "../../tests/helpers/stepImage";
import type { BuildConditions } from "./runBuild";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();
const front = frontOf(buildkit);
let refused = 0;
/** Refuses the first pushes of manifests, as ECR does where an account pushes too many. */
const refuseFirst = (count: number) => {
    refused = 0;
    front.answers = (asked, answer) => {
        if (!isManifestPush(asked) || refused >= count) {
            return false;
        }
        refused += 1;
        return refuse(answer, 429, "TOOMANYREQUESTS", "Rate exceeded");
    };
};
/** BuildKit itself tries six times, all in a second. */
const more = 8;
const tagOf = (image: string) => `${front.address}/${image}:1`;

test.each([
    ["", false],
    [" that takes nothing from the cache", true],
])("a build%s is pushed when its registry takes more again, and is told as one build", async (_which, noCache) => {
    const image = `patient-${noCache}`;
    const context = buildkit.context(image, [...fromStep, asleepFor(1), "LABEL a b"]);
    refuseFirst(more);
    const said: string[] = [];
    const conditions: BuildConditions = { onProgress: (text) => said.push(text) };
    const { digest, receipt, warnings } = await buildkit.build({ context, noCache, tags: [tagOf(image)] }, conditions);
    expect(refused).toBe(more);
    expect((await buildkit.run("crane", ["digest", `${buildkit.registry}/${image}:1`])).trim()).toBe(digest);
    expect(warnings).toMatchObject([{ rule: "LegacyKeyValueFormat" }]);
    expect(receipt).toMatchObject({ all: 2, cached: 0, slowest: { name: expect.stringContaining("RUN") } });
    expect(receipt.total).toBeGreaterThan(receipt.parts.at(-1)?.start ?? 0);
    expect(said.filter((text) => text.includes("RUN"))).toHaveLength(1);
    expect(said.filter((text) => text.includes("waiting")).length).toBeGreaterThan(0);
});

test("a canceled build does not wait for its registry any longer", async () => {
    const ctrlC = new AbortController();
    const context = buildkit.context("canceled", fromStep);
    const onProgress = (text: string) => {
        if (text.includes("waiting")) {
            refused = 0;
            ctrlC.abort();
        }
    };
    refuseFirst(Number.POSITIVE_INFINITY);
    const build = buildkit.build({ context, tags: [tagOf("canceled")] }, { onProgress }, { signal: ctrlC.signal });
    await expect(build).rejects.toThrow(/^canceled$/);
    expect(refused).toBe(0);
});
