import { familiarName, isReference, registriesHere, registryOf, repositoryOf } from "./reference";

it.each([
    ["registry.example:7443/demo/app:1.0-amd64", "registry.example:7443", "registry.example:7443/demo/app"],
    ["ghcr.io/acme/app@sha256:0123", "ghcr.io", "ghcr.io/acme/app"],
    ["localhost/app", "localhost", "localhost/app"],
    ["docker.io/acme/app:1@sha256:0123", "docker.io", "docker.io/acme/app"],
    ["index.docker.io/acme/app", "docker.io", "index.docker.io/acme/app"],
    ["acme/app:1", "docker.io", "acme/app"],
    ["debian:13", "docker.io", "debian"],
    ["r.example:5000/app", "r.example:5000", "r.example:5000/app"],
])("%s is at %s, in %s", (reference, registry, repository) => {
    expect(registryOf(reference)).toBe(registry);
    expect(repositoryOf(reference)).toBe(repository);
});

const digest = "0".repeat(64);

// As https://pkg.go.dev/github.com/distribution/reference has them, with which these were compared.
it.each<[string, string]>([
    ["debian", "debian"],
    ["debian:latest", "debian"],
    ["docker.io/library/debian:13", "debian:13"],
    ["index.docker.io/library/debian", "debian"],
    ["library/debian", "debian"],
    ["library/a/b", "library/a/b"],
    ["registry-1.docker.io/library/debian", "registry-1.docker.io/library/debian"],
    ["scratch", "scratch"],
    ["Host/a_b/c__d/e--f.g", "Host/a_b/c__d/e--f.g"],
    ["localhost:5000/a:1_x", "localhost:5000/a:1_x"],
    ["[fd00::1]:5000/a", "[fd00::1]:5000/a"],
    [`a:1@sha256:${digest}`, `a:1@sha256:${digest}`],
])("%s is a reference, %s for short", (reference, short) => {
    expect(isReference(reference)).toBe(true);
    expect(familiarName(reference)).toBe(short);
});

it.each([
    ...[
        "",
        "Debian",
        "a=b",
        "a b",
        "a___b",
        "a..b",
        "-a",
        "a-",
        "/a",
        "a/",
        "host/A",
        "host:/a",
        "a.-b/c",
        "https://a/b",
    ],
    ...[
        "a:",
        "a@",
        "a:1:2",
        `a:${"t".repeat(129)}`,
        "a@sha256:00",
        `a@sha256:${"A".repeat(64)}`,
        "a::linux/arm64",
        digest,
    ],
])("%j is no reference", (text) => {
    expect(isReference(text)).toBe(false);
});

it("knows the registries of this machine by where their names lead", async () => {
    const references = ["localhost:5000/a", "127.0.0.1:5000/a", "192.0.2.1/a", "nowhere.invalid/a", "localhost/b"];
    expect(await registriesHere(references)).toEqual(["localhost", "127.0.0.1"]);
});
