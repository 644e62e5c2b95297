import * as pulumi from "@pulumi/pulumi";
import type { RegistryLogin, RegistryLoginInput } from "./registryLogin";

interface VerifiedIndexInputs {
    /** `repo:tag@sha256:...` */
    ref: string;
    /** Exactly these, as `os/architecture`. */
    platforms: string[];
    login?: RegistryLogin;
}

interface RawIndex {
    manifests?: { platform?: { os: string; architecture: string } }[];
}

/**
 * What is wrong with an index that should have exactly these platforms; nothing if it is right. Attestations appear as
 * `unknown/unknown` and do not count.
 */
export function platformMistakes(raw: RawIndex, wanted: string[]): string[] {
    const found = (raw.manifests ?? [])
        .map((manifest) => (manifest.platform ? `${manifest.platform.os}/${manifest.platform.architecture}` : "none"))
        .filter((platform) => platform !== "unknown/unknown");
    const missing = wanted.filter((platform) => !found.includes(platform)).map((platform) => `misses ${platform}`);
    const extra = found.filter((platform) => !wanted.includes(platform)).map((platform) => `has ${platform} too much`);
    const twice = [...new Set(found.filter((platform, at) => found.indexOf(platform) !== at))];
    return [...missing, ...extra, ...twice.map((platform) => `has ${platform} more than once`)];
}

// Runs in a process of its own and is serialized into the state: see LocalFolder.
async function verify(inputs: VerifiedIndexInputs): Promise<VerifiedIndexInputs> {
    const { execFile } = require("node:child_process") as typeof import("node:child_process");
    const fs = require("node:fs/promises") as typeof import("node:fs/promises");
    const os = require("node:os") as typeof import("node:os");
    const nodePath = require("node:path") as typeof import("node:path");

    const run = (command: string, args: string[], env: NodeJS.ProcessEnv) =>
        new Promise<string>((resolve, reject) => {
            execFile(command, args, { env, maxBuffer: 16e6, timeout: 120_000 }, (error, stdout, stderr) =>
                error
                    ? reject(Object.assign(new Error(stderr.trim() || error.message), { code: error.code }))
                    : resolve(stdout),
            );
        });
    // A configuration of its own: the login stays out of the user's.
    const folder = await fs.mkdtemp(nodePath.join(os.tmpdir(), "native-buildx-"));
    try {
        if (inputs.login) {
            const { address, username, password } = inputs.login;
            const auth = Buffer.from(`${username}:${password}`).toString("base64");
            const file = nodePath.join(folder, "config.json");
            await fs.writeFile(file, JSON.stringify({ auths: { [address]: { auth } } }), { mode: 0o600 });
        }
        const env = { ...process.env, DOCKER_CONFIG: folder };
        const inspect = ["imagetools", "inspect", "--raw", inputs.ref];
        // buildx works as a program of its own, wherever it is, as well as a plugin of docker. A docker with a
        // configuration of its own knows the plugins of the system only, hence the user's by their path.
        const userConfig = process.env.DOCKER_CONFIG || nodePath.join(os.homedir(), ".docker");
        const candidates = [["buildx"], [nodePath.join(userConfig, "cli-plugins/docker-buildx")], ["docker", "buildx"]];
        let text: string | undefined;
        for (const [command, ...words] of candidates as [string, ...string[]][]) {
            text ??= await run(command, [...words, ...inspect], env).catch((error) => {
                if (error.code !== "ENOENT") {
                    throw error;
                }
                return undefined;
            });
        }
        if (text === undefined) {
            throw new Error("docker buildx is needed to read the index back, and was not found");
        }
        const mistakes = platformMistakes(JSON.parse(text), inputs.platforms);
        if (mistakes.length > 0) {
            throw new Error(`Index ${inputs.ref} ${mistakes.join(", ")}: it was pushed, but is not what was declared.`);
        }
        return inputs;
    } finally {
        await fs.rm(folder, { recursive: true, force: true });
    }
}

const indexProvider: pulumi.dynamic.ResourceProvider<VerifiedIndexInputs, VerifiedIndexInputs> = {
    async create(inputs) {
        return { id: inputs.ref, outs: await verify(inputs) };
    },
    async update(_id, _olds, news) {
        return { outs: await verify(news) };
    },
    async diff(_id, olds, news) {
        // Not the login: its password is a new one every time.
        const { isDeepStrictEqual } = require("node:util") as typeof import("node:util");
        return { changes: olds.ref !== news.ref || !isDeepStrictEqual(olds.platforms, news.platforms) };
    },
};

/** An index that was read back from its registry after the push and has exactly the platforms it should have. */
export class VerifiedIndex extends pulumi.dynamic.Resource {
    /** `repo:tag@sha256:...`; known once the index was verified. */
    declare readonly ref: pulumi.Output<string>;

    constructor(
        name: string,
        args: { ref: pulumi.Input<string>; platforms: string[]; login?: RegistryLoginInput | undefined },
        opts?: pulumi.CustomResourceOptions,
    ) {
        super(
            indexProvider,
            name,
            { ...args, login: args.login && pulumi.secret(args.login) },
            { ...opts, additionalSecretOutputs: ["login"] },
        );
    }
}
