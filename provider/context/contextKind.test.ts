import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { contextKind, contextMistake } from "./contextKind";

const folder = temporaryFolder();
beforeAll(() => {
    for (const made of ["app", "größe und gewicht", "github.com/o/r", "me.too@host:app", "layouts/app"]) {
        fs.mkdirSync(path.join(folder, made), { recursive: true });
    }
    fs.writeFileSync(path.join(folder, "layouts/app/index.json"), "{}");
    fs.writeFileSync(path.join(folder, "file"), "");
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

// As docker buildx 0.35 and BuildKit 0.31 have it: build/opt.go and frontend/dockerui/namedcontext.go.
describe("what buildx takes a context for", () => {
    test.each([
        ["app", "folder", "folder"],
        ["../app", "folder", "folder"],
        ["app@2", "folder", "folder"],
        ["git/app.git", "folder", "folder"],
        ["git://host/repo", "git", "git"],
        ["GIT://host/repo.git", "git", "git"],
        ["ssh://git@host/repo", "git", "git"],
        ["git@host:repo.git", "git", "git"],
        ["org-1@github.com:o/r.git", "git", "git"],
        ["me.too@host:repo.git", "folder", "folder"],
        ["https://host/repo.git#main", "git", "git"],
        ["https://host/repo.git?ref=main", "git", "git"],
        ["HTTPS://host/repo.git#main:docker", "git", "git"],
        ["https://host/archive.tar.gz", "http", "http"],
        ["http://host/repo", "http", "http"],
        ["HTTPS://host/archive.tar.gz", "folder", "folder"],
        ["docker-image://base", "folder", "image"],
        ["DOCKER-IMAGE://base", "folder", "folder"],
        ["target:base", "folder", "folder"],
        ["oci-layout://layout", "folder", "oci-layout"],
        [`https://host/${"x".repeat(300)}.git`, "git", "git"],
    ])("%s as a main context is a %s, as a named one a %s", (context, main, named) => {
        expect([contextKind(context, folder, false), contextKind(context, folder, true)]).toEqual([main, named]);
    });

    test("a folder that is there goes before an address, in a main context", () => {
        expect(contextKind("github.com/o/r", folder, false)).toBe("folder");
        expect(contextKind("github.com/o/r", folder, true)).toBe("git");
        expect(contextKind("github.com/o/r", "/", false)).toBe("git");
    });
});

describe("what buildx does not take", () => {
    test.each([
        "app",
        "größe und gewicht",
        "./app",
        "/",
        "me.too@host:app",
        "git@host:r.git",
        "git://host/r",
        "http://h/a",
    ])("%s is right as a main and as a named context", (context) => {
        expect(contextMistake(context, folder, false)).toBeUndefined();
        expect(contextMistake(context, folder, true)).toBeUndefined();
    });

    test.each(["github.com/o/r", "ssh://git@host/r", "org-1@github.com:o/r.git", "HTTPS://host/r.git"])(
        "%s is a main context only, and a named one is told the forms it may have",
        (context) => {
            expect(contextMistake(context, "/", false)).toBeUndefined();
            expect(contextMistake(context, "/", true)).toContain("BuildKit takes https://HOST/PATH.git, git@HOST:PATH");
        },
    );

    test.each([
        "docker-image://debian:13",
        "oci-layout://layouts/app:1.0",
        "oci-layout://layouts/app",
        `oci-layout://app@sha256:${"0".repeat(64)}`,
    ])("%s is a named context only", (context) => {
        const told = `${context} can only be a named context; write it in contexts`;
        expect(contextMistake(context, folder, false)).toBe(told);
        expect(contextMistake(context, folder, true)).toBeUndefined();
    });

    test.each<[string, boolean, string]>([
        ["gone", false, "folder gone does not exist; create it or correct the path"],
        ["file", true, "file is not a folder; name the folder that it is in"],
        [
            "HTTPS://u:word@host/a.tar.gz",
            false,
            "HTTPS://***@host/a.tar.gz: buildx takes this only with https:// in small letters",
        ],
        ["Docker-Image://a", true, "Docker-Image://a: buildx takes this only with docker-image:// in small letters"],
        [
            "file:///a/repo.git",
            false,
            "file:///a/repo.git: buildx knows no file://; write https://HOST/PATH.git, git@HOST:PATH or a folder",
        ],
        [
            "target:base",
            true,
            "target:base: only docker buildx bake knows targets; name an image that is built already, docker-image://REF",
        ],
        ["target:base", false, "target:base can only be a named context; write it in contexts"],
        [
            "me.too@host:r.git",
            false,
            'me.too@host:r.git: in USER@HOST:PATH buildx takes letters, digits, "-" and "_" for a user only; write ssh://USER@HOST/PATH',
        ],
        [
            "me.too@host:r.git",
            true,
            'me.too@host:r.git: in USER@HOST:PATH buildx takes letters, digits, "-" and "_" for a user only; write git@HOST:PATH',
        ],
        [
            "https://host/r.git?unknown=1",
            true,
            "git repository https://host/r.git?unknown=***: BuildKit knows no ?unknown=; leave it out",
        ],
        ["git@host:r.git?ref=a#b", false, "git repository git@host:r.git?ref=a#b: it names both b and a"],
        [
            "docker-image://Debian",
            true,
            "docker-image://Debian names no image; write docker-image://HOST/NAME:TAG, or @sha256:DIGEST, with NAME in small letters",
        ],
        ["oci-layout://gone:1", true, "folder gone does not exist; create it or correct the path"],
        ["oci-layout://app", true, "folder app is not an OCI layout: it has no index.json; name one that has"],
        [
            `oci-layout://app@sha256:${"0".repeat(32)}`,
            true,
            `sha256:${"0".repeat(32)} is not a digest; write sha256: and its 64 digits, in small letters`,
        ],
    ])("%s (named: %s): %s", (context, named, told) => expect(contextMistake(context, folder, named)).toBe(told));

    test.each([
        [
            "https://me:S3KR@T@host/r.git#main",
            "https://***@host/r.git#main",
            "GIT_AUTH_TOKEN.HOST or GIT_AUTH_HEADER.HOST",
        ],
        ["http://S3KRET@host/r.git", "http://***@host/r.git", "GIT_AUTH_TOKEN.HOST or GIT_AUTH_HEADER.HOST"],
        ["me:S3KRET@host/r.git", "https://***@host/r.git", "GIT_AUTH_TOKEN.HOST or GIT_AUTH_HEADER.HOST"],
        ["https://me:S3KRET@host/a.tgz", "https://***@host/a.tgz", "HTTP_AUTH_TOKEN_HOST or HTTP_AUTH_HEADER_HOST"],
        ["https://me:S3/KRET@host/a.tgz", "https://***@host/a.tgz", "HTTP_AUTH_TOKEN_HOST or HTTP_AUTH_HEADER_HOST"],
    ])("%s has a login, which belongs into a secret", (context, shown, secrets) => {
        const told =
            `${shown}: the login in it would be attested in the image's provenance; leave it out, and have it in secret ` +
            `${secrets}, named in secrets`;
        expect(contextMistake(context, folder, false)).toBe(told);
        expect(contextMistake(context, folder, true)).toBe(told);
    });

    test.each(["ssh://git:S3KRET@host/r", "docker-image://me:S3KRET@Host/a", "HTTP://me:S3KRET@host/a.tgz"])(
        "%s is refused, and its login is not shown",
        (context) => {
            for (const named of [false, true]) {
                expect(contextMistake(context, folder, named)).toBeDefined();
                expect(contextMistake(context, folder, named)).not.toContain("S3KRET");
            }
        },
    );

    test.each(["https://host:99999/a.tgz", "https://exa mple/a.tgz", "https:///", "http://[::1/a.tgz"])(
        "%s is no URL",
        (context) => {
            for (const named of [false, true]) {
                expect(contextMistake(context, folder, named)).toContain(
                    `${context} is no URL; write https://HOST/PATH`,
                );
            }
        },
    );

    test("where a folder is called like a repository, a named context is told how to write the folder", () => {
        expect(contextMistake("github.com/o/r", folder, true)).toMatch(/; for the folder write \.\/github\.com\/o\/r$/);
    });
});
