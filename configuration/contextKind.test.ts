import { type ContextKind, contextKind, localFolderOf } from "./contextKind";

describe("a build context", () => {
    it.each<[string, ContextKind]>([
        ["app", "folder"],
        ["./app", "folder"],
        ["/srv/app", "folder"],
        ["examples/encoder/base/{arch}", "folder"],
        ["größe und gewicht", "folder"],
        ["app@2", "folder"],
        ["a:b", "folder"],
        ["git/app.git", "folder"],
        ["git://example.com/app.git#main", "git"],
        ["GIT://example.com/app.git", "git"],
        ["ssh://git@example.com/app.git", "git"],
        ["git@github.com:example/app.git", "git"],
        ["org-1@github.com:example/app.git", "git"],
        ["me.too@git.example:app.git#v1:folder", "git"],
        ["github.com/example/app", "git"],
        ["https://github.com/example/app.git", "git"],
        ["HTTPS://github.com/example/app.git#main:docker", "git"],
        ["https://example.com/app.git?ref=main", "git"],
        ["https://example.com/app.tar.gz", "archive"],
        ["http://example.com/app", "archive"],
        ["docker-image://debian:13", "image"],
        ["oci-layout://layouts/app", "layout"],
    ])("%s is of kind %s", (context, kind) => {
        expect(contextKind(context)).toBe(kind);
    });

    it.each<[string, string | undefined]>([
        ["app", "app"],
        ["oci-layout://layouts/app", "layouts/app"],
        ["oci-layout:///srv/layouts/app:1.0", "/srv/layouts/app"],
        ["oci-layout://app@sha256:0123", "app"],
        ["oci-layout://app:1.0@sha256:0123", "app"],
        ["git@github.com:example/app.git", undefined],
        ["docker-image://debian:13", undefined],
    ])("%s is in folder %s of this machine", (context, folder) => {
        expect(localFolderOf(context)).toBe(folder);
    });
});
