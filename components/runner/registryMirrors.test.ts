import { mirrorMistakes, type RegistryMirrors, registryTables } from "./registryMirrors";

const render = (mirrors: RegistryMirrors, authorities = {}) => registryTables(mirrors, authorities).join("");

describe("registries in buildkitd.toml", () => {
    it.each<[string, RegistryMirrors, string]>([
        ["no mirror", {}, ""],
        [
            "mirrors, in their order",
            { "docker.io": ["mirror.example:5000", "other.example/docker/"] },
            '[registry."docker.io"]\n  mirrors = ["mirror.example:5000", "other.example/docker"]\n',
        ],
        [
            "a mirror that speaks http, and two that speak https by name",
            { "docker.io": ["http://mirror:5000"], "ghcr.io": ["https://localhost:5000/ghcr", "http://mirror:5000/g"] },
            '[registry."docker.io"]\n  mirrors = ["mirror:5000"]\n' +
                '[registry."ghcr.io"]\n  mirrors = ["localhost:5000/ghcr", "mirror:5000/g"]\n' +
                '[registry."mirror:5000"]\n  http = true\n[registry."localhost:5000"]\n  http = false\n',
        ],
        ["an address of IPv6", { "[::1]:5000": ["[fe80::1]"] }, '[registry."[::1]:5000"]\n  mirrors = ["[fe80::1]"]\n'],
    ])("%s", (_what, mirrors, toml) => {
        expect(render(mirrors)).toBe(toml);
    });

    it("have one table a host, whatever is said of it", () => {
        const authorities = { "own.example:7443": "/ca.pem", "b.example": "/b.pem" };
        const mirrors = { "own.example:7443": ["b.example"], "docker.io": ["https://own.example:7443"] };
        expect(render(mirrors, authorities)).toBe(
            '[registry."own.example:7443"]\n  ca = ["/ca.pem"]\n  mirrors = ["b.example"]\n  http = false\n' +
                '[registry."b.example"]\n  ca = ["/b.pem"]\n' +
                '[registry."docker.io"]\n  mirrors = ["own.example:7443"]\n',
        );
    });

    it("are not rendered from mirrors that are wrong", () => {
        expect(() => render({ "docker.io": [] })).toThrow('registryMirrors: "docker.io": has no mirror');
    });
});

describe("what is wrong with mirrors", () => {
    const noAddress = (shown: string) =>
        `"docker.io": "${shown}" is not the address of a mirror; write it as in mirror.example:5000, mirror.example/path or ` +
        "http://mirror.example, and log in by docker login";
    const noHost = (host: string) =>
        `"${host}" is not the host of a registry; write it as in docker.io or registry.example:5000`;

    it.each<[RegistryMirrors, string[]]>([
        [{ "docker.io": ["mirror"], localhost: ["mirror"], "a.example": ["a.example/copy"] }, []],
        [{ "https://docker.io": ["m"] }, [noHost("https://docker.io")]],
        [{ "docker.io/library": ["m"] }, [noHost("docker.io/library")]],
        [{ Docker: ["m"] }, [noHost("Docker")]],
        [{ docker: ["m"] }, [noHost("docker")]],
        [{ "index.docker.io": ["m"] }, [`"index.docker.io": images of Docker Hub are docker.io's; write docker.io`]],
        [{ "docker.io": [] }, ['"docker.io": has no mirror; add one or remove the registry']],
        [{ "docker.io": ["ftp://m"] }, [noAddress("ftp://m")]],
        [{ "docker.io": ["m:port"] }, [noAddress("m:port")]],
        [{ "docker.io": ["m/a?b"] }, [noAddress("m/a?b")]],
        [{ "docker.io": ["a b"] }, [noAddress("a b")]],
        [{ "docker.io": ["https://me:secret@m"] }, [noAddress("https://***@m")]],
        [{ "docker.io": ["m", "m/"] }, ['"docker.io": "m/" is there twice; take one out']],
        [
            { "a.example": ["https://a.example"] },
            ['"a.example": "https://a.example" is the registry itself; remove it'],
        ],
        [
            { "docker.io": ["http://m"], "ghcr.io": ["m/g"] },
            ['mirror "m" is written with http://, https:// or without in turn; choose one form'],
        ],
        [
            { x: [], "b.example": ["?"] },
            [
                noHost("x"),
                '"x": has no mirror; add one or remove the registry',
                noAddress("?").replace("docker.io", "b.example"),
            ],
        ],
    ])("%j: %j", (mirrors, mistakes) => {
        expect(mirrorMistakes(mirrors)).toEqual(mistakes);
    });
});
