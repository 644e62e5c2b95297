import { lookup } from "node:dns/promises";
import { dockerHub, isDockerHub } from "../../components/registry/dockerHub";

/** The registry of a reference, as docker reads it: the host, with the port if it has one. Without a host it is Docker Hub. */
export function registryOf(reference: string): string {
    const [first = "", ...rest] = reference.split("/");
    const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
    return isHost && !isDockerHub(first) ? first : dockerHub;
}

/** `host/name` of an image's reference, without tag and digest. */
export function repositoryOf(reference: string): string {
    return (reference.split("@")[0] ?? "").replace(/:[^/:]*$/, "");
}

/** A host, with or without a port: what is before the first slash, if that cannot be the beginning of a name. */
const hostPattern =
    /^(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(:[0-9]+)?$/;
const pathPart = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const digest = "sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}";
const pathPattern = new RegExp(`^${pathPart}(?:/${pathPart})*(?::[\\w][\\w.-]{0,127})?(?:@(?:${digest}))?$`);

/**
 * Whether BuildKit takes a text for an image's reference, by the grammar of
 * https://pkg.go.dev/github.com/distribution/reference; named contexts have such names too.
 */
export function isReference(text: string): boolean {
    const slash = text.indexOf("/");
    const first = text.slice(0, Math.max(slash, 0));
    const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
    const name = isHost ? text.slice(slash + 1) : text;
    return (!isHost || hostPattern.test(first)) && pathPattern.test(name) && !/^[0-9a-f]{64}$/.test(text);
}

/** An image's short name, by which named contexts go: without Docker Hub's host, its `library/`, and tag `latest`. */
export function familiarName(reference: string): string {
    return reference
        .replace(/^(index\.)?docker\.io\//, "")
        .replace(/^library\/(?=[^/]*$)/, "")
        .replace(/:latest$/, "");
}

/** The registries of these references that are on this machine, as hosts without ports: no proxy can reach them. */
export async function registriesHere(references: readonly string[]): Promise<string[]> {
    const hosts = [...new Set(references.map((reference) => registryOf(reference).replace(/:\d+$/, "")))];
    const areHere = await Promise.all(hosts.map(isHere));
    return hosts.filter((_host, at) => areHere[at]);
}

async function isHere(host: string): Promise<boolean> {
    const addresses = await lookup(host, { all: true }).catch(() => []);
    return addresses.length > 0 && addresses.every(({ address }) => /^(127\.|::1$)/.test(address));
}
