import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { defaultPlatforms } from "../components/architecture";
import { checkout } from "../tests/helpers/checkout";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { inBuildOrder } from "./images";
import { readImages } from "./readImages";

let project: string;
beforeEach(() => {
    project = temporaryFolder();
});
afterEach(() => rmSync(project, { recursive: true }));

/** Makes files, each with its folders. */
function write(...files: string[]): void {
    for (const file of files) {
        mkdirSync(path.join(project, path.dirname(file)), { recursive: true });
        writeFileSync(path.join(project, file), "FROM scratch\n");
    }
}

const read = (images: unknown) => readImages(images, { platforms: defaultPlatforms, project, buildSecrets: [] });

/** The images of declarations that are right. */
function imagesOf(declarations: unknown) {
    const { images, mistakes } = read(declarations);
    expect(mistakes).toEqual([]);
    return images;
}

describe("images from folders", () => {
    it("are those of every folder with a Dockerfile, in the order of their names, with the keys of the pattern", () => {
        write("services/web/Dockerfile", "services/api/Dockerfile", "services/old/readme", "services/.git/Dockerfile");
        write("services/Dockerfile", "services/api/inner/Dockerfile", "services/small/dockerfile", "services/note");
        write("services/parser/Dockerfile/parse.go");
        const images = imagesOf({ "services/*": { tags: ["1.0"] } });
        expect(Object.entries(images)).toEqual([
            ["api", { context: "services/api", tags: ["1.0"] }],
            ["small", { context: "services/small", tags: ["1.0"] }],
            ["web", { context: "services/web", tags: ["1.0"] }],
        ]);
    });

    it.each([
        ["*", "api/Dockerfile", "api"],
        ["./services/*/", "services/api/Dockerfile", "services/api"],
        ["services/*/docker", "services/api/docker/Dockerfile", "services/api/docker"],
        ["services/svc-*-image", "services/svc-api-image/Dockerfile", "services/svc-api-image"],
        ["roots/*/{arch}", "roots/api/arm64/Dockerfile roots/api/amd64/Dockerfile", "roots/api/{arch}"],
    ])("%s", (pattern, files, context) => {
        write(...files.split(" "));
        expect(imagesOf({ [pattern]: {} })).toEqual({ api: { context } });
    });

    it("are those whose Dockerfile is a platform's own", () => {
        write("s3/api/Dockerfile.arm64", "s3/web/Dockerfile", "s3/old/readme");
        const own = { "linux/arm64": { dockerfile: "s3/{name}/Dockerfile.arm64" } };
        const images = imagesOf({ "s3/*": { platforms: ["linux/arm64"], overrides: own }, web: { overrides: {} } });
        expect(Object.keys(images)).toEqual(["api", "web"]);
        const { mistakes } = read({ "s3/*": { overrides: own } });
        expect(mistakes).toEqual([
            'images["s3/*"].dockerfile: file s3/api/Dockerfile does not exist; create it or name another',
            'images["s3/*"].dockerfile: file s3/web/Dockerfile.arm64 does not exist; create it or name another',
        ]);
    });

    it("are not links that lead to themselves", () => {
        write("services/api/Dockerfile");
        symlinkSync("loop", path.join(project, "services/loop"));
        mkdirSync(path.join(project, "services/web"));
        symlinkSync("Dockerfile", path.join(project, "services/web/Dockerfile"));
        expect(Object.keys(imagesOf({ "services/*": {} }))).toEqual(["api"]);
        expect(read({ "services/loop/*": {} }).mistakes).toEqual([
            expect.stringMatching(/no folder has its Dockerfile/),
        ]);
    });

    it("may be links to folders, and folders beside the project's", () => {
        write("elsewhere/Dockerfile", "project/services/note");
        symlinkSync("../../elsewhere", path.join(project, "project/services/api"));
        project = path.join(project, "project");
        expect(imagesOf({ "../project/services/*": {} })).toEqual({ api: { context: "../project/services/api" } });
        project = path.dirname(project);
    });

    it("have their name wherever the pattern says {name}: one context for all, say", () => {
        write("services/api/Dockerfile", "services/web/Dockerfile", "services/old/Containerfile");
        for (const name of ["api", "web"]) {
            writeFileSync(path.join(project, `services/${name}/Dockerfile`), `FROM scratch AS ${name}\n`);
        }
        const texts = {
            dockerfile: "services/{name}/Dockerfile",
            target: "{name}",
            args: { SERVICE: "{name}" },
            labels: { title: "The {name}" },
            overrides: { "linux/arm64": { args: { SERVICE: "{name} for arm64" } } },
        };
        const images = imagesOf({ "services/*": { context: ".", ...texts, sourceLabels: true } });
        expect(Object.keys(images)).toEqual(["api", "web"]);
        expect(images.web).toEqual({
            context: ".",
            dockerfile: "services/web/Dockerfile",
            target: "web",
            args: { SERVICE: "web" },
            labels: { title: "The web" },
            overrides: { "linux/arm64": { args: { SERVICE: "web for arm64" } } },
            sourceLabels: true,
        });
    });

    it("have keys of their own where they are declared by name, too, before or behind the pattern", () => {
        write("services/api/Dockerfile", "services/web/Dockerfile");
        const own = { tags: ["2"], context: "./services/api/" };
        const expected = { api: { context: "./services/api/", tags: ["2"], cache: "none" } };
        for (const declared of [
            { "services/*": { tags: ["1"], cache: "none" }, api: own },
            { api: own, "services/*": { tags: ["1"], cache: "none" } },
        ]) {
            expect(imagesOf(declared)).toEqual({
                ...expected,
                web: { context: "services/web", tags: ["1"], cache: "none" },
            });
        }
    });

    it("may be built on each other, and on one of them all; the order is found", () => {
        write("services/api/Dockerfile", "services/common/Dockerfile", "services/web/Dockerfile");
        const images = imagesOf({ "services/*": { bases: ["common"] }, api: { bases: ["common", "web"] } });
        expect(images.common?.bases).toEqual([]);
        expect(inBuildOrder(images)).toEqual(["common", "web", "api"]);
    });
});

describe("a pattern's mistake is one line", () => {
    beforeEach(() => {
        write("services/api/Dockerfile", "services/web/Dockerfile", "tools/api/Dockerfile", "empty/x/y");
        write("top/Dockerfile");
    });

    const name = 'cannot be a repository\'s name; use lower case letters, digits, ".", "_", "-"';
    it.each<[string, unknown, string[]]>([
        [
            "no such folder",
            { "service/*": {} },
            [
                'images["service/*"]: no folder has its Dockerfile, service/{name}/Dockerfile; create one or correct the pattern',
            ],
        ],
        [
            "folders without a Dockerfile",
            { "empty/*": {} },
            [
                'images["empty/*"]: no folder has its Dockerfile, empty/{name}/Dockerfile; create one or correct the pattern',
            ],
        ],
        [
            "a Dockerfile of another name",
            { "services/*": { context: ".", dockerfile: "docker/{name}" } },
            ['images["services/*"]: no folder has its Dockerfile, docker/{name}; create one or correct the pattern'],
        ],
        [
            "a Dockerfile of another name for a platform",
            { "services/*": { overrides: { "linux/arm64": { context: "arm" } }, dockerfile: "docker/{name}" } },
            ['images["services/*"]: no folder has its Dockerfile, docker/{name}; create one or correct the pattern'],
        ],
        [
            "no Dockerfile of any platform",
            { "empty/*": { overrides: { "linux/arm64": { dockerfile: "arm/{name}" } } } },
            [
                'images["empty/*"]: no folder has its Dockerfile, empty/{name}/Dockerfile or arm/{name}; create one or ' +
                    "correct the pattern",
            ],
        ],
        [
            "several stars",
            { "services/**": {}, "*/*": {} },
            [
                'images["services/**"]: there may be one *, which becomes the image\'s name',
                'images["*/*"]: there may be one *, which becomes the image\'s name',
            ],
        ],
        [
            "two folders of one name",
            { "services/*": {}, "tools/*": {} },
            ['images["tools/*"]: tools/api: "api" is services/api already, by "services/*"; rename a folder'],
        ],
        [
            "two folders of one name, whose context is another",
            { "services/*": {}, "tools/*": { context: ".", dockerfile: "tools/{name}/Dockerfile" } },
            ['images["tools/*"]: tools/api: "api" is services/api already, by "services/*"; rename a folder'],
        ],
        [
            "a declared image that has the name of a folder elsewhere",
            { "services/*": {}, api: { context: "tools/api" } },
            [
                'images.api.context: "api" is services/api already, by "services/*"; leave context out, which changes ' +
                    "other keys of that image, or choose another name",
            ],
        ],
        [
            "a key that is wrong, and one that is wrong in every image: once",
            { "services/*": { colour: "red", tags: ["no blanks"], bases: ["none"] } },
            [
                expect.stringMatching(/^images\["services\/\*"\]\.colour: no such key; there are /),
                expect.stringMatching(/^images\["services\/\*"\]\.tags: "no blanks" is not a tag/),
                'images["services/*"].bases: "none": no such image is declared; declared: api, web',
            ],
        ],
        [
            "a wrong key of one of them, where it is written",
            { "services/*": { tags: ["1", "1"] }, api: { tags: ["-"] }, web: { cache: "none" } },
            [
                expect.stringMatching(/^images\.api\.tags: "-" is not a tag/),
                'images["services/*"].tags: "1" is there twice; take one out',
            ],
        ],
        [
            "a wrong type, which says nothing of the folders",
            { "services/*": { dockerfile: ["a"] } },
            ['images["services/*"].dockerfile: must be the path of a Dockerfile, not ["a"]'],
        ],
        ["no object", { "services/*": null }, ['images["services/*"]: must be {context: FOLDER, ...}, not null']],
    ])("%s", (_what, declarations, mistakes) => {
        expect(read(declarations).mistakes).toEqual(mistakes);
    });

    it("a folder whose name cannot be an image's", () => {
        write("services/My_API/Dockerfile");
        expect(read({ "services/*": {} }).mistakes).toEqual([
            `images["services/*"]: services/My_API: "My_API" ${name} for the folder`,
        ]);
    });
});

test("the example of docs/configuration.md is what it says", () => {
    const page = readFileSync(path.join(checkout, "docs/configuration.md"), "utf8");
    const section = page.slice(page.indexOf("### Images from folders"));
    const { config } = parse(/```yaml\n(.*?)```/s.exec(section)?.[1] ?? "") as {
        config: { "native-buildx:images": object };
    };
    write("common/Dockerfile", "services/api/Dockerfile", "services/web/Dockerfile", "services/notes/readme");
    const images = imagesOf(config["native-buildx:images"]);
    expect(images).toEqual({
        common: { context: "common" },
        api: { context: "services/api", bases: ["common"], labels: { "org.opencontainers.image.title": "api" } },
        web: {
            context: "services/web",
            bases: ["common", "api"],
            labels: { "org.opencontainers.image.title": "web" },
        },
    });
    expect(inBuildOrder(images)).toEqual(["common", "api", "web"]);
});
