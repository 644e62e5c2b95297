import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { defaultPlatforms } from "../architecture";
import { contextMistakes } from "./contextMistakes";
import type { ImageDraft } from "./imageMistakes";

let project: string;
beforeAll(() => {
    project = temporaryFolder();
    for (const folder of ["app", "größe und gewicht", "more", "split/amd64", "layouts/app"]) {
        mkdirSync(path.join(project, folder), { recursive: true });
        writeFileSync(path.join(project, folder, "Dockerfile"), "FROM scratch\n");
    }
    mkdirSync(path.join(project, "small"));
    writeFileSync(path.join(project, "small/dockerfile"), "FROM scratch\n");
    writeFileSync(path.join(project, "layouts/app/index.json"), "{}");
    mkdirSync(path.join(project, "empty"));
    mkdirSync(path.join(project, "stages"));
    const stages = "FROM scratch AS Base\nFROM base AS \\\n  build\nRUN <<EOF\nFROM x AS text\nEOF\nFROM scratch\n";
    writeFileSync(path.join(project, "stages/Dockerfile"), stages);
    writeFileSync(path.join(project, "stages/other"), `# syntax=example.com/mine\n${stages}`);
    writeFileSync(path.join(project, "stages/strange"), '{"stages": []}\n');
    symlinkSync("app", path.join(project, "link"));
    symlinkSync("loop", path.join(project, "loop"));
    symlinkSync("nowhere", path.join(project, "dangling"));
});
afterAll(() => rmSync(project, { recursive: true }));

const mistakesOf = (image: ImageDraft) =>
    contextMistakes(image, defaultPlatforms, project).map(({ at, what }) => `${at.join(".")}: ${what}`);

describe("what is on this machine, or need not be", () => {
    it.each<[string, ImageDraft]>([
        ["a folder", { context: "app" }],
        ["a folder by its full path", { context: "/", dockerfile: "app/Dockerfile" }],
        ["a folder with blanks and letters outside ASCII", { context: "größe und gewicht" }],
        ["a link to a folder", { context: "link" }],
        ["a Dockerfile in small letters, as buildx finds it", { context: "small" }],
        ["another image", { context: "app", contexts: { base: { platforms: defaultPlatforms } } }],
        [
            "a git repository, with the Dockerfile in it",
            { context: "git://example.com/a.git#main", dockerfile: "docker/Dockerfile" },
        ],
        [
            "a git repository, with a Dockerfile of this machine",
            { context: "git://example.com/a.git#main", dockerfile: __filename },
        ],
        ["a git repository as scp has it", { context: "org-1@github.com:o/r.git" }],
        ["a git repository on GitHub", { context: "github.com/o/r" }],
        ["a git repository in capitals", { context: "HTTPS://example.com/a.git" }],
        ["an archive", { context: "https://example.com/a.tar.gz" }],
        [
            "named contexts",
            { context: "app", contexts: { more: "more", image: "docker-image://debian:13", git: "git@host:a.git" } },
        ],
        [
            "names of contexts",
            { context: "app", contexts: { scratch: "more", "debian:13": "more", "h:1/a_b": "more" } },
        ],
        ["a stage, in any case", { context: "stages", target: "bASE" }],
        ["a stage over two lines", { context: "stages", target: "build" }],
        ["a stage of another frontend's file", { context: "stages", dockerfile: "stages/other", target: "nope" }],
        ["a stage, with another frontend", { context: "stages", target: "nope", args: { BUILDKIT_SYNTAX: "x" } }],
        ["a stage of what is no Dockerfile", { context: "stages", dockerfile: "stages/strange", target: "nope" }],
        ["a stage of a git repository", { context: "git@host:a.git", target: "nope" }],
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
        ["a folder", { context: "gone" }, [`context: ${gone("gone")}`]],
        ["a dangling link", { context: "dangling" }, [`context: ${gone("dangling")}`]],
        [
            "a context that one platform lacks",
            { context: "split/{arch}" },
            ["context: folder split/arm64 does not exist; create it or correct the path"],
        ],
        [
            "a Dockerfile in a file",
            { context: "app", dockerfile: "app/Dockerfile/Dockerfile" },
            ["dockerfile: file app/Dockerfile/Dockerfile does not exist; create it or name another"],
        ],
        [
            "no Dockerfile in the context",
            { context: "empty" },
            ["dockerfile: file empty/Dockerfile does not exist; create it or name another"],
        ],
        [
            "a named Dockerfile that is not there",
            { context: "app", dockerfile: "app/{arch}.Dockerfile" },
            [
                "dockerfile: file app/amd64.Dockerfile does not exist; create it or name another",
                "dockerfile: file app/arm64.Dockerfile does not exist; create it or name another",
            ],
        ],
        [
            "a Dockerfile by its full path, whatever the context",
            {
                context: "git://example.com/a.git",
                dockerfile: "/nowhere/Dockerfile",
                overrides: { "linux/arm64": { context: "https://example.com/a.tar.gz" } },
            },
            ["dockerfile: file /nowhere/Dockerfile does not exist; create it or name another"],
        ],
        [
            "a folder that is a file",
            { context: "app/Dockerfile" },
            ["context: app/Dockerfile is not a folder; name the folder that it is in"],
        ],
        [
            "a Dockerfile that is a folder",
            { context: "app", dockerfile: "more" },
            ["dockerfile: more is a folder, not a file; name the file"],
        ],
        [
            "a Dockerfile that is a link to itself",
            { context: "app", dockerfile: "loop" },
            ["dockerfile: file loop does not exist; create it or name another"],
        ],
        [
            "a Dockerfile below such a link",
            { context: "app", dockerfile: "loop/Dockerfile" },
            ["dockerfile: file loop/Dockerfile does not exist; create it or name another"],
        ],
        [
            "a stage",
            { context: "stages", target: "nope" },
            ['target: stages/Dockerfile has no stage "nope"; write one of: base, build'],
        ],
        [
            "a stage that is text of a heredoc",
            { context: "stages", target: "text" },
            ['target: stages/Dockerfile has no stage "text"; write one of: base, build'],
        ],
        [
            "a stage's number, which BuildKit does not take",
            { context: "app", dockerfile: "app/Dockerfile", target: "0" },
            ['target: app/Dockerfile has no stage "0"; name it there, by FROM ... AS NAME'],
        ],
        [
            "a stage of one platform",
            { context: "stages", overrides: { "linux/arm64": { context: "small", target: "base" } } },
            ['target: small/dockerfile has no stage "base"; name it there, by FROM ... AS NAME'],
        ],
        [
            "an image, in what is no reference",
            { context: "app", contexts: { debian: "docker-image://Debian", "x:1": "docker-image://" } },
            [
                "contexts.debian: docker-image://Debian names no image; write docker-image://HOST/NAME:TAG, or " +
                    "@sha256:DIGEST, with NAME in small letters",
                expect.stringMatching(/^contexts\.x:1: docker-image:\/\/ names no image; /),
            ],
        ],
        [
            "names of contexts that no FROM can have",
            { context: "app", contexts: { Assets: "more", "a=b": "nope" } },
            [
                'contexts.Assets: "Assets" is no name that FROM can have; use lower case letters, digits, ".", "_", "-", ' +
                    "as in debian or debian:13",
                expect.stringMatching(/^contexts\.a=b: "a=b" is no name that FROM can have; /),
                `contexts.a=b: ${gone("nope")}`,
            ],
        ],
        ["a named context", { context: "app", contexts: { more: "./nope" } }, [`contexts.more: ${gone("./nope")}`]],
        [
            "a named layout",
            { context: "app", contexts: { "b.1": "oci-layout://./nope" } },
            [`contexts.b.1: ${gone("./nope")}`],
        ],
        [
            "a named context of one platform, besides the context",
            { context: "gone", overrides: { "linux/arm64": { contexts: { more: "nope-{arch}" } } } },
            [`context: ${gone("gone")}`, `contexts.more: ${gone("nope-arm64")}`],
        ],
        [
            "a named context of a git repository",
            { context: "git@host:a.git", contexts: { more: "nope" } },
            [`contexts.more: ${gone("nope")}`],
        ],
        [
            "addresses that are none",
            { context: "https://exa mple/x.tar", contexts: { more: "https://host:99999/x.tar" } },
            [
                expect.stringMatching(/^context: https:\/\/exa mple\/x\.tar is no URL; write /),
                expect.stringMatching(/^contexts\.more: https:\/\/host:99999\/x\.tar is no URL; write /),
            ],
        ],
        [
            "a context that is an image",
            { context: "docker-image://debian:13" },
            ["context: docker-image://debian:13 can only be a named context; write it in contexts"],
        ],
        [
            "addresses that buildx does not take, which depends on what is there once {arch} is replaced",
            {
                context: "split/{arch}",
                dockerfile: "app/Dockerfile",
                contexts: { a: "ssh://git@host/r", b: "git@host:r.git?x=1", c: "HTTPS://host/{arch}.tar" },
            },
            [
                expect.stringMatching(/^contexts\.a: git repository .*: as a named context BuildKit takes/),
                "contexts.b: git repository git@host:r.git?x=***: BuildKit knows no ?x=; leave it out",
                "contexts.c: HTTPS://host/amd64.tar: buildx takes this only with https:// in small letters",
                "context: folder split/arm64 does not exist; create it or correct the path",
                "contexts.c: HTTPS://host/arm64.tar: buildx takes this only with https:// in small letters",
            ],
        ],
        [
            "other images that are none, or are not built for a platform",
            {
                context: "app",
                contexts: { base: { platforms: ["linux/arm64"] }, gone: undefined as never, empty: "" },
            },
            [
                "contexts.base: is not built for linux/amd64; add that to its platforms",
                "contexts.gone: must be a folder, a URL, docker-image://REF or another image, not nothing",
                'contexts.empty: must be a folder, a URL, docker-image://REF or another image, not ""',
            ],
        ],
        [
            "a context on one platform",
            { overrides: { "linux/amd64": { context: "app" } } },
            ["context: missing; write the folder of the build context, relative to the project"],
        ],
    ])("%s", (_what, image, mistakes) => {
        expect(mistakesOf(image)).toEqual(mistakes);
    });
});
