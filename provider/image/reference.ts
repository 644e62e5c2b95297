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
