import * as fs from "node:fs/promises";
import * as path from "node:path";
import { dockerHub, isDockerHub } from "../../components/registry/dockerHub";
import type { RegistryLogin } from "../../components/registry/registryLogin";
import { userDockerFolder } from "./environment";

/** The parts of docker's `config.json` that matter here. */
interface ConfigFile {
    auths?: { [registry: string]: { auth?: string } };
    credsStore?: string;
    credHelpers?: { [registry: string]: string };
    HttpHeaders?: { [name: string]: string };
    proxies?: { [host: string]: { [name: string]: string } };
    cliPluginsExtraDirs?: string[];
}

export interface DockerConfig {
    /** DOCKER_CONFIG. */
    folder: string;
    /** Has to come first on PATH. */
    programs: string;
    /** What credential programs said when they failed. */
    failures(): Promise<string>;
}

/**
 * Writes a docker configuration for some calls of buildx: the logins of these calls in plain text (in a folder that only its
 * owner can read), and the caller's logins and credential programs for every other registry. It has nothing else of the
 * caller's, such as the current context or feature flags.
 */
export async function writeDockerConfig(options: {
    folder: string;
    logins: RegistryLogin[];
    caller: NodeJS.ProcessEnv;
}): Promise<DockerConfig> {
    const folder = path.join(options.folder, "docker");
    const programs = path.join(options.folder, "programs");
    await fs.mkdir(folder, { mode: 0o700 });
    await fs.mkdir(programs, { mode: 0o700 });
    const config = mergedConfig(await readConfig(options.caller), options.logins);
    const helpers = new Set([config.credsStore, ...Object.values(config.credHelpers ?? {})].filter(Boolean));
    for (const helper of helpers) {
        // docker looks for it on PATH, by this name.
        await fs.symlink(
            path.join(__dirname, "credentialHelper.sh"),
            path.join(programs, `docker-credential-${helper}`),
        );
    }
    await fs.writeFile(path.join(folder, "config.json"), JSON.stringify(config), { mode: 0o600 });
    const failed = path.join(programs, "failed");
    return { folder, programs, failures: () => fs.readFile(failed, "utf8").catch(() => "") };
}

/** The caller's configuration; empty where there is none, or where it cannot be read. */
async function readConfig(caller: NodeJS.ProcessEnv): Promise<ConfigFile> {
    const file = path.join(userDockerFolder(caller), "config.json");
    const config = parsed(await fs.readFile(file, "utf8").catch(() => ""));
    // Logins in a variable, as on GitLab's runners. docker prefers them to all others, and so does this.
    const variable = parsed(caller.DOCKER_AUTH_CONFIG ?? "").auths ?? {};
    const inVariable = Object.fromEntries(Object.keys(variable).map((registry) => [registry, ""]));
    return {
        ...config,
        auths: { ...config.auths, ...variable },
        credHelpers: { ...config.credHelpers, ...inVariable },
    };
}

function parsed(text: string): ConfigFile {
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === "object" && value !== null ? value : {};
    } catch {
        return {};
    }
}

/** Prefix of the caller's credential programs' names, so that docker calls our program, which calls theirs. */
const helperPrefix = "native-buildx-";

function mergedConfig(theirs: ConfigFile, logins: RegistryLogin[]): ConfigFile {
    const ours = new Set(logins.map(({ address }) => hostOf(address)));
    const others = <T>(entries: { [registry: string]: T } = {}) =>
        Object.entries(entries).filter(([registry]) => !ours.has(hostOf(registry)));
    const auth = ({ username, password }: RegistryLogin) => Buffer.from(`${username}:${password}`).toString("base64");
    return {
        auths: Object.fromEntries([
            ...others(theirs.auths),
            ...logins.map((login) => [keyOf(login.address), { auth: auth(login) }]),
        ]),
        ...(theirs.credsStore ? { credsStore: helperPrefix + theirs.credsStore } : {}),
        credHelpers: Object.fromEntries([
            ...others(theirs.credHelpers).map(([registry, helper]) => [registry, helper && helperPrefix + helper]),
            // No program, so that the login above counts, and not that of a credential store.
            ...logins.map(({ address }) => [keyOf(address), ""]),
        ]),
        ...(theirs.HttpHeaders ? { HttpHeaders: theirs.HttpHeaders } : {}),
        ...(theirs.proxies ? { proxies: theirs.proxies } : {}),
        // Where docker may find the buildx that is called through it.
        ...(theirs.cliPluginsExtraDirs ? { cliPluginsExtraDirs: theirs.cliPluginsExtraDirs } : {}),
    };
}

/** A registry's host as docker compares it: keys may be URLs, and Docker Hub has several names. */
function hostOf(registry: string): string {
    const host = registry.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    return isDockerHub(host) ? dockerHub : host;
}

/** The key of a registry's login in docker's configuration. Docker Hub's has been this since before version 2. */
function keyOf(host: string): string {
    return isDockerHub(host) ? "https://index.docker.io/v1/" : host;
}
