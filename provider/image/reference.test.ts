import { registriesHere, registryOf, repositoryOf } from "./reference";

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

it("knows the registries of this machine by where their names lead", async () => {
    const references = ["localhost:5000/a", "127.0.0.1:5000/a", "192.0.2.1/a", "nowhere.invalid/a", "localhost/b"];
    expect(await registriesHere(references)).toEqual(["localhost", "127.0.0.1"]);
});
