import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { knownPlatforms } from "../components/architecture";
import { fileMistakes } from "./imageFiles";
import type { ImageDraft } from "./images";

let project: string;
beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), "nbx-files-"));
    for (const folder of ["app", "größe und gewicht", "more", "split/amd64", "layouts/app"]) {
        mkdirSync(path.join(project, folder), { recursive: true });
        writeFileSync(path.join(project, folder, "Dockerfile"), "FROM scratch\n");
    }
    mkdirSync(path.join(project, "empty"));
    symlinkSync("app", path.join(project, "link"));
    symlinkSync("nowhere", path.join(project, "dangling"));
});
afterAll(() => rmSync(project, { recursive: true }));

const mistakesOf = (image: ImageDraft) => fileMistakes("app", image, knownPlatforms, project);

describe("what is on this machine, or need not be", () => {
    it.each<[string, ImageDraft]>([
        ["a folder", { context: "app" }],
        ["a folder by its full path", { context: "/", dockerfile: "app/Dockerfile" }],
        ["a folder with blanks and letters outside ASCII", { context: "größe und gewicht" }],
        ["a link to a folder", { context: "link" }],
        [
            "a git repository, with the Dockerfile in it",
            { context: "git://example.com/a.git#main", dockerfile: "docker/Dockerfile" },
        ],
        ["a git repository as scp has it", { context: "org-1@github.com:o/r.git" }],
        ["a git repository on GitHub", { context: "github.com/o/r" }],
        ["a git repository in capitals", { context: "HTTPS://example.com/a.git" }],
        ["an archive", { context: "https://example.com/a.tar.gz" }],
        [
            "named contexts",
            { context: "app", contexts: { more: "more", image: "docker-image://debian:13", git: "git@host:a.git" } },
        ],
        ["a named layout", { context: "app", contexts: { base: "oci-layout://layouts/app:1.0" } }],
        [
            "a platform's own folder",
            { context: "split/{arch}", overrides: { "linux/arm64": { context: "app", contexts: { more: "more" } } } },
        ],
    ])("%s", (_what, image) => {
        expect(mistakesOf(image)).toEqual([]);
    });
});

describe("what is missing on this machine", () => {
    const gone = (folder: string) => `folder ${folder} does not exist; create it or correct the path`;

    it.each<[string, ImageDraft, string[]]>([
        ["a folder", { context: "gone" }, [`images.app.context: ${gone("gone")}`]],
        ["a dangling link", { context: "dangling" }, [`images.app.context: ${gone("dangling")}`]],
        [
            "a context of the example that was not made yet",
            { context: "examples/encoder/base/{arch}" },
            [
                "images.app.context: folder examples/encoder/base/amd64 does not exist; create it or correct the path, or make the example's inputs: examples/encoder/prepare.sh",
                "images.app.context: folder examples/encoder/base/arm64 does not exist; create it or correct the path, or make the example's inputs: examples/encoder/prepare.sh",
            ],
        ],
        [
            "a context that one platform lacks",
            { context: "split/{arch}" },
            ["images.app.context: folder split/arm64 does not exist; create it or correct the path"],
        ],
        [
            "no Dockerfile in the context",
            { context: "empty" },
            ["images.app.dockerfile: file empty/Dockerfile does not exist; create it or name another"],
        ],
        [
            "a named Dockerfile that is not there",
            { context: "app", dockerfile: "app/{arch}.Dockerfile" },
            [
                "images.app.dockerfile: file app/amd64.Dockerfile does not exist; create it or name another",
                "images.app.dockerfile: file app/arm64.Dockerfile does not exist; create it or name another",
            ],
        ],
        [
            "a folder that is a file",
            { context: "app/Dockerfile" },
            ["images.app.context: app/Dockerfile is no folder; name the folder that it is in"],
        ],
        [
            "a Dockerfile that is a folder",
            { context: "app", dockerfile: "more" },
            ["images.app.dockerfile: file more does not exist; create it or name another"],
        ],
        [
            "a named context",
            { context: "app", contexts: { more: "./nope" } },
            [`images.app.contexts.more: ${gone("./nope")}`],
        ],
        [
            "a named layout",
            { context: "app", contexts: { "b.1": "oci-layout://./nope" } },
            [`images.app.contexts["b.1"]: ${gone("./nope")}`],
        ],
        [
            "a named context of one platform, besides the context",
            { context: "gone", overrides: { "linux/arm64": { contexts: { more: "nope-{arch}" } } } },
            [`images.app.context: ${gone("gone")}`, `images.app.contexts.more: ${gone("nope-arm64")}`],
        ],
        [
            "a named context of a git repository",
            { context: "git@host:a.git", contexts: { more: "nope" } },
            [`images.app.contexts.more: ${gone("nope")}`],
        ],
        [
            "a context that is an image",
            { context: "docker-image://debian:13" },
            ["images.app.context: docker-image://debian:13 can only be a named context; write it in key contexts"],
        ],
        [
            "a context on one platform",
            { overrides: { "linux/amd64": { context: "app" } } },
            ["images.app.context: missing; write the folder of the build context, relative to the project"],
        ],
    ])("%s", (_what, image, mistakes) => {
        expect(mistakesOf(image)).toEqual(mistakes);
    });
});
