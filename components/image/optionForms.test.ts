import { settled } from "../../tests/helpers/pulumiMocks";
import type { Platform } from "../architecture";
import { imageBenchForEach, imageType } from "./imageBench";
import type { MultiPlatformImageArgs } from "./multiPlatformImage";

const bench = imageBenchForEach();

describe("an image that a program declares", () => {
    it.each<[string, Partial<MultiPlatformImageArgs>, string]>([
        [
            "an agent without a name",
            { ssh: ["=/key"] },
            'ssh[0]: must be "default", ID, or ID=PATH of a key .*, not "=/key"',
        ],
        ["no size", { shmSize: "lots" }, 'shmSize: must be a size, as in 128m, not "lots"'],
        [
            "no limit",
            { ulimits: ["nofile=1", "files=2"] },
            'ulimits[1]: must be a limit NAME=SOFT:HARD, .*, not "files=2"',
        ],
        ["no host", { addHosts: ["a b:10.0.0.7"] }, 'addHosts[0]: must be NAME:ADDRESS, .*, not "a b:10.0.0.7"'],
        ["an argument", { args: { "A=B": "1" } }, 'args["A=B"]: "A=B" cannot be a name here'],
        ["a label", { labels: { "": "1" } }, 'labels[""]: "" cannot be a name here'],
        ["an annotation", { annotations: { "a=": "1" } }, 'annotations["a="]: "a=" cannot be a name here'],
        [
            "an argument of a platform's own",
            { overrides: { "linux/arm64": { args: { "A=B": "1" } } } },
            'overrides["linux/arm64"].args["A=B"]: "A=B" cannot be a name here',
        ],
        [
            "a name in the registry",
            { repository: "team/App" },
            `repository: "team/App" cannot be a repository's name; use lower .*"-"`,
        ],
    ])("is refused with %s that buildx would not take", (_what, args, mistake) => {
        const literally = mistake.replaceAll(/[[\]]/g, "\\$&");
        expect(() => bench.makeImage(args)).toThrow(new RegExp(`^Image app has a mistake:\n {2}- ${literally}$`));
    });

    it("is refused by a name that the registry would not take, and has no other", () => {
        expect(() => bench.makeImage({ repository: undefined }, "myApp")).toThrow(
            'Image myApp has a mistake:\n  - name: "myApp" cannot be a repository\'s name; use lower case letters, digits, ' +
                '".", "_", "-", or give it another one by repository',
        );
        expect(() => bench.makeImage({ repository: "team/my-app" }, "myApp")).not.toThrow();
    });

    it("may leave platforms without overrides, and have what is known later in its arguments", async () => {
        const overrides: { [P in Platform]?: undefined } = { "linux/arm64": undefined };
        const { receipts } = bench.makeImage({}, "base");
        bench.makeImage({
            overrides,
            args: { TIME: receipts["linux/arm64"]?.apply(() => "later") ?? "" },
            ssh: ["default", "key=/on/another/machine/key"],
            shmSize: "64M",
            ulimits: ["nofile=1024:4096"],
            addHosts: ["db=[::1]"],
        });
        await settled();
        expect(bench.mocks.one(imageType, "app-arm64").inputs.args).toEqual({ TIME: "later" });
    });
});
