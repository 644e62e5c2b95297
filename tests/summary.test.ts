import type { Timings } from "../components/remoteBuilder/timings";
import { type Outputs, summary } from "../tools/summary";

const repository = "registry.native-buildx.internal:7443/native-buildx";
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

const outputs: Outputs = {
    repositoryUrl: repository,
    builder: "native-buildx-dev",
    images: {
        app: {
            ref: `${repository}/app:1.0@${digest("a")}`,
            platforms: {
                "linux/amd64": `${repository}/app:1.0-amd64@${digest("b")}`,
                "linux/arm64": `${repository}/app:1.0-arm64@${digest("c")}`,
            },
        },
    },
};
const timings: Timings = {
    "app-amd64": { platform: "linux/amd64", began: 0, waking: 1.23, building: 4.56 },
    "app-arm64": { platform: "linux/arm64", began: 0, waking: 0, building: 123.44 },
};

describe("the summary of make up", () => {
    test("names each image by digest, with a line per platform: digest, seconds of waking and building", () => {
        const lines = summary(outputs, timings, "dev").split("\n");
        expect(lines).toContain(`app  ${repository}/app:1.0@${digest("a")}`);
        expect(lines).toContain(`  linux/amd64  ${digest("b")}  waking   1.2 s   building    4.6 s`);
        expect(lines).toContain(`  linux/arm64  ${digest("c")}  waking   0.0 s   building  123.4 s`);
    });

    test("says unchanged of what was not built this time", () => {
        const text = summary(
            outputs,
            { "app-arm64": { platform: "linux/arm64", began: 0, waking: 1, building: 2 } },
            "dev",
        );
        expect(text).toContain(`  linux/amd64  ${digest("b")}  unchanged\n`);
        expect(text).toContain(`  linux/arm64  ${digest("c")}  waking`);
    });

    test("tells where it was pushed, how to build by hand and how to stop", () => {
        const text = summary(outputs, {}, "dev");
        expect(text).toContain(`Pushed to    ${repository}\n`);
        expect(text).toContain("pulumi stack output connect --stack dev | sh -s\n");
        expect(text).toContain("docker buildx build --builder native-buildx-dev --platform linux/amd64,linux/arm64");
        expect(text).toMatch(/^Stop +make down$/m);
    });

    test("names the stack where it is not dev", () => {
        const text = summary(outputs, {}, "mine");
        expect(text).toContain("--stack mine ");
        expect(text).toMatch(/^Stop +make down STACK=mine$/m);
    });

    test("shows an image without a digest as it is, and says when no image is declared", () => {
        const platforms = { "linux/amd64": `${repository}/app:1.0-amd64` };
        const plain = { ...outputs, images: { app: { ref: `${repository}/app:1.0`, platforms } } };
        expect(summary(plain, {}, "dev")).toContain(`  linux/amd64  ${repository}/app:1.0-amd64  unchanged`);
        expect(summary({ ...outputs, images: {} }, {}, "dev")).toContain("No image is declared yet");
    });
});
