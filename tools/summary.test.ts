import { type PricedReceipt, receiptsText } from "../components/image/receiptText";
import { builtSince, type Outputs, summary } from "./summary";

const repository = "registry.native-buildx.internal:7443/native-buildx";
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

const outputs: Outputs = {
    repositoryUrl: repository,
    builder: "native-buildx-dev",
    byHand: `${repository}/NAME`,
    images: {
        app: {
            ref: `${repository}/app:1.0@${digest("a")}`,
            platforms: {
                "linux/amd64": `${repository}/app:1.0-amd64@${digest("b")}`,
                "linux/arm64": `${repository}/app:1.0-arm64@${digest("c")}`,
            },
        },
    },
    receipts: "",
};
const receipt = (own: Partial<PricedReceipt>): PricedReceipt => ({
    ...{
        platform: "linux/amd64",
        runner: "amd64",
        began: "2026-11-25T10:00:00.000Z",
        waking: 0,
        total: 0,
        cached: 0,
        all: 0,
    },
    ...{ sending: { seconds: 0, bytes: 0 }, parts: [], pushing: 0 },
    ...own,
});
const amd64 = receipt({ waking: 1.23, total: 4.56, cached: 3, all: 3 });
const arm64 = receipt({ total: 123.44, cached: 1, all: 3, slowest: { name: "[2/3] RUN make", seconds: 99 } });

describe("the summary of make up", () => {
    test("names each image by digest, with a line per platform: digest, seconds, cached steps, the slowest", () => {
        const lines = summary(outputs, { app: { "linux/amd64": amd64, "linux/arm64": arm64 } }, "dev").split("\n");
        expect(lines).toContain(`app  ${repository}/app:1.0@${digest("a")}`);
        expect(lines).toContain(
            `  linux/amd64  ${digest("b")}  waking   1.2 s   building    4.6 s   3 of 3 steps cached`,
        );
        expect(lines).toContain(
            `  linux/arm64  ${digest("c")}  waking   0.0 s   building  123.4 s   1 of 3 steps cached   slowest   99.0 s  [2/3] RUN make`,
        );
    });

    test("names compilers that were emulated, under their build", () => {
        const emulated = ["cc1 (003cc64b0bba2d9f)"];
        const lines = summary(outputs, { app: { "linux/arm64": { ...arm64, emulated } } }, "dev").split("\n");
        const at = lines.findIndex((line) => line.startsWith("  linux/arm64  "));
        expect(lines[at + 1]).toBe("    emulated compilers: cc1 (003cc64b0bba2d9f); see docs/emulation.md");
    });

    test("says unchanged of what was not built this time", () => {
        const text = summary(outputs, { app: { "linux/arm64": arm64 } }, "dev");
        expect(text).toContain(`  linux/amd64  ${digest("b")}  unchanged\n`);
        expect(text).toContain(`  linux/arm64  ${digest("c")}  waking`);
    });

    test("tells where it was pushed, how to build by hand and how to stop", () => {
        const text = summary(outputs, {}, "dev");
        expect(text).toContain(`Pushed to    ${repository}\n`);
        expect(text).toContain("pulumi stack output connect --stack dev | sh -s\n");
        expect(text).toContain("docker buildx build --builder native-buildx-dev --platform linux/amd64,linux/arm64");
        expect(text).toContain(`--tag ${repository}/NAME --push FOLDER`);
        expect(text).not.toContain("docker login");
        expect(text).toMatch(/^Stop +make down$/m);
    });

    test("tells how to log in where that is needed, and a tag where no push makes a repository", () => {
        const loginCommand = "aws ecr get-login-password | docker login --password-stdin host.example";
        const text = summary({ ...outputs, byHand: "host.example/prod:NAME", loginCommand }, {}, "prod");
        expect(text).toContain(`By hand      . ./tools/env.sh\n             ${loginCommand}\n`);
        expect(text).toContain("--tag host.example/prod:NAME --push FOLDER");
    });

    test("names every platform of any image to build by hand, in the order of the platforms", () => {
        const platforms = { "linux/arm64": `${repository}/app:1.0-arm64` };
        const other = { ref: `${repository}/other:1.0`, platforms: { "linux/riscv64": "r", "linux/amd64": "a" } };
        const images = { app: { ref: `${repository}/app:1.0`, platforms }, other };
        expect(summary({ ...outputs, images }, {}, "dev")).toContain(
            "--platform linux/amd64,linux/arm64,linux/riscv64 ",
        );
    });

    test("names the file of the timeline where there is one", () => {
        expect(summary(outputs, {}, "dev", "/data/last-up.svg")).toMatch(/^Timeline +\/data\/last-up\.svg$/m);
        expect(summary(outputs, {}, "dev")).not.toContain("Timeline");
    });

    test("takes a build for this time's when it began after the up", () => {
        const receipts = {
            app: { "linux/amd64": receipt({ began: "2026-11-25T09:59:59.999Z" }), "linux/arm64": arm64 },
        };
        const built = builtSince(receiptsText(receipts), new Date("2026-11-25T10:00:00Z"));
        expect(Object.keys(built.app ?? {})).toEqual(["linux/arm64"]);
        expect(built.app?.["linux/arm64"]?.total).toBe(arm64.total);
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
