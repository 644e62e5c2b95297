import { homedir } from "node:os";
import * as path from "node:path";

/**
 * Where this machine keeps its local runners, its registry and their caches: NATIVE_BUILDX_HOME, else `native-buildx`
 * in the user's data folder. It is no part of the state: every machine has its own.
 */
export function dataFolder(environment: NodeJS.ProcessEnv = process.env): string {
    return (
        environment.NATIVE_BUILDX_HOME ||
        path.join(
            environment.XDG_DATA_HOME || path.join(environment.HOME || homedir(), ".local", "share"),
            "native-buildx",
        )
    );
}

/** The folder, below the data folder, whose certificates Go programs trust (SSL_CERT_DIR). */
export const trustFolder = "trust";
