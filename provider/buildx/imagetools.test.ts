import { buildkitOfProcess } from "../../tests/helpers/buildkit";
import { frontOf, isManifestPush, refuse } from "../../tests/helpers/registryFront";
import { fromStep } from "../../tests/helpers/stepImage";
import { withBuildx } from "./buildx";

jest.setTimeout(120_000);

const buildkit = buildkitOfProcess();
const front = frontOf(buildkit);

/** A registry that takes so many manifests a second and refuses more, as ECR does. */
let [taken, refused, second] = [0, 0, 0];
const manifestsPerSecond = 5;
front.answers = (asked, answer) => {
    if (!isManifestPush(asked)) {
        return false;
    }
    const now = Math.floor(performance.now() / 1000);
    taken = now === second ? taken + 1 : 1;
    second = now;
    // The first too, however slowly they come.
    if (taken <= manifestsPerSecond && refused > 0) {
        return false;
    }
    refused += 1;
    return refuse(answer, 429, "TOOMANYREQUESTS", "Rate exceeded");
};

test("images that are joined all at once are joined at a registry that takes a few manifests a second", async () => {
    const repository = `${front.address}/app`;
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
