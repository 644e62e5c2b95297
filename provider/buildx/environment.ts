import { homedir } from "node:os";
import * as path from "node:path";
import { dataFolder, trustFolder } from "../../components/localMachine/dataFolder";

/** The caller's docker configuration. */
export function userDockerFolder(caller: NodeJS.ProcessEnv): string {
    return caller.DOCKER_CONFIG || path.join(caller.HOME || homedir(), ".docker");
}

/** How the environment of buildx differs from the caller's. */
export interface EnvironmentOptions {
    /** DOCKER_CONFIG. */
    dockerConfig: string;
    /** BUILDX_CONFIG. */
    records: string;
    /** A folder that comes first on PATH. */
    programs: string;
    /** Hosts that are not asked through a proxy. */
    noProxyHosts: string[];
}

/**
 * Variables that send buildx elsewhere, put something undeclared into the image, or mix something into its output. All
 * variables that begin with these names are removed: those that a later buildx reads are most likely of the same kind.
 */
const bending =
    /^(BUILDX_|BUILDKIT_|DOCKER_|OTEL_|EXPERIMENTAL_BUILDKIT_|SOURCE_DATE_EPOCH$|TRACEPARENT$|TRACESTATE$|JAEGER_TRACE$|DEBUG$|TTY_DISPLAY_RATE$|PROGRESS_NO_TRUNC$)/;

/** The environment of every call of buildx. */
export function buildxEnvironment(caller: NodeJS.ProcessEnv, options: EnvironmentOptions): NodeJS.ProcessEnv {
    const noProxy = [caller.NO_PROXY || caller.no_proxy, ...options.noProxyHosts].filter(Boolean).join(",");
    return {
        ...Object.fromEntries(Object.entries(caller).filter(([name]) => !bending.test(name))),
        PATH: [options.programs, caller.PATH].filter(Boolean).join(path.delimiter),
        ...(noProxy ? { NO_PROXY: noProxy, no_proxy: noProxy } : {}),
        // Where Go programs find the local registry's authority. They read it besides the system's certificate file.
        SSL_CERT_DIR: [caller.SSL_CERT_DIR || "/etc/ssl/certs", path.join(dataFolder(caller), trustFolder)].join(
            path.delimiter,
        ),
        DOCKER_CONFIG: options.dockerConfig,
        BUILDX_CONFIG: options.records,
        // Otherwise buildx asks the runner for the provenance of every build, which nobody reads.
        BUILDX_METADATA_PROVENANCE: "disabled",
    };
}
