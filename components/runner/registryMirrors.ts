import * as pulumi from "@pulumi/pulumi";

/** Mirrors by the host of the registry that they stand for, as in `{ "docker.io": ["mirror.example:5000"] }`. */
export type RegistryMirrors = { readonly [host: string]: readonly string[] };

/** `HOST[:PORT]`, in small letters, as BuildKit compares hosts. */
const hostPattern = /^([a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/;

interface Mirror {
    scheme?: "http" | "https";
    /** `HOST[:PORT]`. */
    host: string;
    /** `/PATH`, or empty. */
    path: string;
}

/** A mirror as it is written, `[http://|https://]HOST[:PORT][/PATH]`; undefined for anything else. */
function parseMirror(text: string): Mirror | undefined {
    const [, scheme, host = "", path = ""] = /^(?:(https?):\/\/)?([^/?#@]+)(\/[^?#@\s]*)?$/.exec(text) ?? [];
    return hostPattern.test(host)
        ? { scheme: scheme as Mirror["scheme"], host, path: path.replace(/\/+$/, "") }
        : undefined;
}

/** What is wrong with mirrors, each as one line: what, why, the remedy. */
export function mirrorMistakes(registries: RegistryMirrors): string[] {
    const mistakes = Object.entries(registries).flatMap(([registry, mirrors]) => [
        ...registryMistakes(registry),
        ...listMistakes(registry, mirrors).map((mistake) => `${JSON.stringify(registry)}: ${mistake}`),
    ]);
    return [...mistakes, ...schemeMistakes(registries)];
}

function registryMistakes(registry: string): string[] {
    if (["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"].includes(registry)) {
        return [`"${registry}": images of Docker Hub are docker.io's; write docker.io`];
    }
    // In an image's reference a name without any of these is not a host.
    const isHost = hostPattern.test(registry) && (/[.:]/.test(registry) || registry === "localhost");
    return isHost
        ? []
        : [
              `${JSON.stringify(registry)} is not the host of a registry; write it as in docker.io or registry.example:5000`,
          ];
}

function listMistakes(registry: string, mirrors: readonly string[]): string[] {
    if (mirrors.length === 0) {
        return ["has no mirror; add one or remove the registry"];
    }
    const seen = new Set<string>();
    return mirrors.flatMap((text) => {
        const mirror = parseMirror(text);
        if (!mirror) {
            return [
                `"${text.replace(/[^/]*@/, "***@")}" is not the address of a mirror; write it as in mirror.example:5000, ` +
                    "mirror.example/path or http://mirror.example, and log in by docker login",
            ];
        }
        const address = mirror.host + mirror.path;
        if (address === registry) {
            return [`"${text}" is the registry itself; remove it`];
        }
        const again = seen.has(address);
        seen.add(address);
        return again ? [`"${text}" is there twice; take one out`] : [];
    });
}

/** BuildKit has one protocol for a host, whichever registry the host stands for. */
function schemeMistakes(registries: RegistryMirrors): string[] {
    const schemes = new Map<string, Set<string>>();
    for (const { host, scheme = "none" } of parsedMirrors(registries)) {
        schemes.set(host, new Set([...(schemes.get(host) ?? []), scheme]));
    }
    return [...schemes].flatMap(([host, all]) =>
        all.size > 1 ? [`mirror "${host}" is written with http://, https:// or without in turn; choose one form`] : [],
    );
}

function parsedMirrors(registries: RegistryMirrors): Mirror[] {
    return Object.values(registries).flatMap((mirrors) => mirrors.flatMap((text) => parseMirror(text) ?? []));
}

/**
 * Renders the tables `[registry."HOST"]` of a buildkitd.toml, one for each host: TOML refuses a second table of a name.
 *
 * @param authorities path of the certificate of the authority that signed a registry's, by host
 * @throws {pulumi.RunError} that lists what is wrong with the mirrors
 */
export function registryTables(mirrors: RegistryMirrors, authorities: { readonly [host: string]: string }): string[] {
    const mistakes = mirrorMistakes(mirrors);
    if (mistakes.length > 0) {
        throw new pulumi.RunError(mistakes.map((mistake) => `registryMirrors: ${mistake}`).join("\n"));
    }
    const tables = new Map<string, string[]>();
    const add = (host: string, line: string) => tables.set(host, [...(tables.get(host) ?? []), `  ${line}`]);
    for (const [host, file] of Object.entries(authorities)) {
        add(host, `ca = [${JSON.stringify(file)}]`);
    }
    for (const [host, texts] of Object.entries(mirrors)) {
        // BuildKit itself ignores a mirror's scheme.
        const addresses = texts.flatMap((text) => parseMirror(text) ?? []).map((mirror) => mirror.host + mirror.path);
        add(host, `mirrors = [${addresses.map((address) => JSON.stringify(address)).join(", ")}]`);
    }
    const schemes = new Map(parsedMirrors(mirrors).map(({ host, scheme }) => [host, scheme]));
    for (const [host, scheme] of schemes) {
        if (scheme) {
            add(host, `http = ${scheme === "http"}`);
        }
    }
    return [...tables].map(([host, lines]) => `[registry.${JSON.stringify(host)}]\n${lines.join("\n")}\n`);
}
