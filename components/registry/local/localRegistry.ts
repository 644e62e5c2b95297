import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { noRepositoryName, repositoryNameRule, repositoryPath } from "../../image/repositoryName";
import { trustFolder } from "../../localMachine/dataFolder";
import { LocalFolder } from "../../localMachine/localFolder";
import { stackFolderArgument } from "../../localMachine/settings";
import { argumentMistakes, givenText } from "../../settings/arguments";
import { refuseArguments } from "../../settings/mistakes";
import { checkedValues, type ValuesOf } from "../../settings/values";
import type { Registry, RegistryPreparation, RegistryTrust } from "../registry";
import { hostNameMistakes } from "./hostName";
import { localRegistrySettings } from "./settings";

/** The settings of the local registry, with the defaults of the configuration, and what it needs besides. */
export interface LocalRegistryArgs extends Partial<ValuesOf<typeof localRegistrySettings>> {
    /** Folder of the stack, below the data folder of this machine. */
    stackFolder: string;
    /** What follows the host in the name of every image. @default the project's name */
    path?: string;
}

/** Renders the registry's configuration. Paths are relative to its folder. */
export function renderRegistryConfiguration(port: number): string {
    return [
        "version: 0.1",
        "log:",
        "  level: info",
        "  accesslog:",
        "    disabled: true",
        "storage:",
        "  filesystem:",
        "    rootdirectory: data",
        "  delete:",
        "    enabled: true",
        "http:",
        `  addr: 127.0.0.1:${port}`,
        "  tls:",
        "    certificate: tls/cert.pem",
        "    key: tls/key.pem",
    ].join("\n");
}

/**
 * A registry on this machine over TLS, the embedded default. The connect script starts it; it has no login.
 *
 * It has a host name because registry clients disagree on how to speak to a loopback address, and agree on a name: see
 * docs/runner-decisions.md.
 *
 * @throws RunError with every wrong argument: the setting, what is wrong, the remedy.
 */
export class LocalRegistry extends pulumi.ComponentResource implements Registry {
    readonly kind = "local";
    readonly url: pulumi.Output<string>;
    readonly makesRepositories = true;
    /** Runners on this machine keep their caches on the same disk. */
    readonly defaultCache = "none";
    readonly prepare: RegistryPreparation;
    readonly trust: RegistryTrust;
    private readonly made: pulumi.Output<string>;

    constructor(name: string, args: LocalRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:LocalRegistry", name, {}, opts);
        const others = { stackFolder: stackFolderArgument, path: v.optional(givenText) };
        refuseArguments(argumentMistakes({ ...localRegistrySettings, ...others }, args));
        const { registryHost: host, localPort: port, localUntaggedDays } = checkedValues(localRegistrySettings, args);
        const repositories = args.path ?? pulumi.getProject().toLowerCase();
        refuseArguments([...hostNameMistakes(host), ...pathMistakes(repositories)]);
        const folder = path.join(args.stackFolder, "registry");
        // One file a stack, all in one folder: programs look for authorities in no folder below it.
        const certificateFile = path.join(trustFolder, `${encodeURIComponent(args.stackFolder)}.pem`);
        this.made = new LocalFolder(
            name,
            {
                folder,
                script: "registry.sh",
                alsoRemove: [certificateFile, path.join(args.stackFolder, "last-up.svg")],
            },
            { parent: this },
        ).id;

        this.trust = { host: `${host}:${port}`, certificateFile };
        this.url = pulumi.output(`${this.trust.host}/${repositories}`);
        this.prepare = {
            script: scriptText("prepareRegistry.sh"),
            variables: {
                registry_folder: folder,
                registry_host: host,
                registry_configuration: renderRegistryConfiguration(port),
                registry_script: scriptText("registry.sh"),
                registry_collect_script: scriptText("collectGarbage.sh"),
                registry_untagged_days: String(localUntaggedDays),
                trust_file: path.relative(folder, certificateFile),
                daemon_script: scriptText("../../localMachine/daemon.sh"),
                keys_script: scriptText("../../runner/keys.sh"),
            },
        };
        this.registerOutputs({ url: this.url });
    }

    repositoryOf(image: string): pulumi.Output<string> {
        return pulumi.interpolate`${this.url}/${image}`;
    }

    repositoryMadeOf(): pulumi.Output<string> {
        return this.made;
    }
}

function pathMistakes(repositories: string): string[] {
    return repositoryPath.test(repositories)
        ? []
        : [`path: "${repositories}" ${noRepositoryName}; ${repositoryNameRule}, and "/"`];
}

function scriptText(file: string): string {
    return readFileSync(path.join(__dirname, file), "utf8");
}
