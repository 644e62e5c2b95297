import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { trustFolder } from "../../dataFolder";
import { LocalFolder } from "../../localFolder";

export interface LocalRegistryArgs {
    /** Folder of the stack, below the data folder of this machine. */
    stackFolder: string;
    /** Host name that images are pushed under; it must lead to 127.0.0.1 on this machine. */
    host: string;
    /** Port on 127.0.0.1. */
    port: number;
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
 * A registry on this machine over TLS, the embedded default for ECR. The connect script starts it.
 *
 * It goes by a host name because the registry clients in use disagree on how to speak to a loopback address, and agree
 * on a name: see docs/decisions.md.
 */
export class LocalRegistry extends pulumi.ComponentResource {
    /** `host:port` */
    readonly address: string;
    /** Path, below a machine's data folder, of the certificate that signed the registry's. */
    readonly trustFile: string;
    /** Shell variables for the connect script's prepare_local. Paths are below the data folder. */
    readonly variables: { [name: string]: string };

    constructor(name: string, args: LocalRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:LocalRegistry", name, {}, opts);
        const folder = path.join(args.stackFolder, "registry");
        const trustFile = path.join(trustFolder, `${path.basename(args.stackFolder)}.pem`);

        new LocalFolder(
            name,
            { folder, script: "registry.sh", alsoRemove: [trustFile, path.join(args.stackFolder, "last-up.svg")] },
            { parent: this },
        );

        this.address = `${args.host}:${args.port}`;
        this.trustFile = trustFile;
        this.variables = {
            registry_folder: folder,
            registry_host: args.host,
            registry_configuration: renderRegistryConfiguration(args.port),
            registry_script: readFileSync(path.join(__dirname, "registry.sh"), "utf8"),
            trust_file: path.relative(folder, trustFile),
        };
        this.registerOutputs({ address: this.address });
    }
}
