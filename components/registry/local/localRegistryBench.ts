import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { Agent, request } from "node:https";
import * as path from "node:path";
import { find } from "../../../tests/helpers/find";
import { freePorts } from "../../../tests/helpers/freePorts";
import { type ScriptResult, Workbench } from "../../../tests/helpers/workbench";
import { renderRegistryConfiguration } from "./localRegistry";

const image = "application/vnd.oci.image.manifest.v1+json";
const index = "application/vnd.oci.image.index.v1+json";

/** What a manifest says of another manifest, or of a blob. */
export interface Descriptor {
    mediaType: string;
    digest: string;
    size: number;
}

/** A local registry's folder with its scripts and a real registry, and a client that pushes to it and pulls from it. */
export class LocalRegistryBench extends Workbench {
    readonly home = this.path("registry");
    /** Connections stay open between requests, as those of other clients do. */
    private readonly agent = new Agent({ keepAlive: true });

    private port = 0;

    private constructor() {
        super();
    }

    /** @param shell what `sh` is for its scripts */
    static async make(shell: readonly string[], untaggedDays: number): Promise<LocalRegistryBench> {
        const bench = new LocalRegistryBench();
        mkdirSync(bench.home);
        symlinkSync(find(shell[0] ?? "") ?? "", bench.path("bin/sh"));
        for (const file of [
            "registry.sh",
            "collectGarbage.sh",
            "../../localMachine/daemon.sh",
            "../../runner/keys.sh",
        ]) {
            copyFileSync(path.join(__dirname, file), path.join(bench.home, path.basename(file)));
        }
        await bench.move();
        bench.write(
            "registry/settings.sh",
            `host=registry.example trust_file=../trust.pem untagged_days=${untaggedDays} ` +
                `PATH='${bench.path("bin")}:${process.env.PATH}'\n`,
        );
        return bench;
    }

    /** Configures another port. */
    async move(): Promise<void> {
        const [port = 0] = await freePorts(1);
        this.port = port;
        this.write("registry/registry.yml", renderRegistryConfiguration(port));
    }

    /** @param env of whoever runs it */
    script(command: "start" | "stop", env: { [name: string]: string } = {}): Promise<ScriptResult> {
        return this.run(["sh", "-c", `cd '${this.home}' && exec sh registry.sh ${command}`], { seconds: 60, env });
    }

    /** Closes the client's connections. */
    hangUp(): void {
        this.agent.destroy();
    }

    call(method: string, url: string, body?: string, type = "application/octet-stream") {
        return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>(
            (resolve, reject) => {
                const call = request(
                    {
                        agent: this.agent,
                        host: "127.0.0.1",
                        servername: "registry.example",
                        ca: readFileSync(this.path("trust.pem")),
                        port: this.port,
                        path: url,
                        method,
                        headers: {
                            Accept: `${image}, ${index}`,
                            ...(body === undefined
                                ? {}
                                : { "Content-Type": type, "Content-Length": Buffer.byteLength(body) }),
                        },
                    },
                    (answer) => {
                        const parts: Buffer[] = [];
                        answer.on("data", (part) => parts.push(part));
                        answer.on("end", () =>
                            resolve({
                                status: answer.statusCode ?? 0,
                                headers: answer.headers,
                                body: Buffer.concat(parts).toString(),
                            }),
                        );
                    },
                );
                call.on("error", reject);
                call.end(body);
            },
        );
    }

    /** Pushes a blob. */
    private async blob(
        repository: string,
        text: string,
        mediaType = "application/vnd.oci.image.layer.v1.tar",
    ): Promise<Descriptor> {
        const digest = digestOf(text);
        const { headers } = await this.call("POST", `/v2/${repository}/blobs/uploads/`, "");
        const upload = new URL(String(headers.location));
        upload.searchParams.set("digest", digest);
        const { status } = await this.call("PUT", `${upload.pathname}${upload.search}`, text);
        expect(status).toBe(201);
        return { mediaType, digest, size: Buffer.byteLength(text) };
    }

    /** Pushes a manifest. @param tag none: by digest alone */
    private async manifest(repository: string, mediaType: string, rest: object, tag?: string): Promise<Descriptor> {
        const text = JSON.stringify({ schemaVersion: 2, mediaType, ...rest });
        const digest = digestOf(text);
        const { status, body } = await this.call(
            "PUT",
            `/v2/${repository}/manifests/${tag ?? digest}`,
            text,
            mediaType,
        );
        expect({ status, body }).toEqual({ status: 201, body: "" });
        return { mediaType, digest, size: Buffer.byteLength(text) };
    }

    /** Pushes an image of one layer. */
    async image(repository: string, text: string, tag?: string): Promise<Descriptor> {
        const config = await this.blob(repository, `{"text":"${text}"}`, "application/vnd.oci.image.config.v1+json");
        return this.manifest(
            repository,
            image,
            { config, layers: [await this.blob(repository, `layer ${text}`)] },
            tag,
        );
    }

    /** Pushes an index. */
    index(repository: string, manifests: Descriptor[], tag?: string): Promise<Descriptor> {
        return this.manifest(repository, index, { manifests }, tag);
    }

    /** Pulls a reference and everything that it is made of; the digests of all of it. @throws where something is missing */
    async pull(repository: string, reference: string): Promise<string[]> {
        const { status, body } = await this.call("GET", `/v2/${repository}/manifests/${reference}`);
        if (status !== 200) {
            throw new Error(`${repository}: ${reference} is gone: ${status}`);
        }
        const {
            config,
            layers = [],
            manifests = [],
        } = JSON.parse(body) as {
            config?: Descriptor;
            layers?: Descriptor[];
            manifests?: Descriptor[];
        };
        const parts = await Promise.all(
            [...(config ? [config] : []), ...layers, ...manifests].map(({ mediaType, digest }) =>
                [image, index].includes(mediaType) ? this.pull(repository, digest) : this.pullBlob(repository, digest),
            ),
        );
        return [digestOf(body), ...parts.flat()];
    }

    private async pullBlob(repository: string, digest: string): Promise<string[]> {
        const { status, body } = await this.call("GET", `/v2/${repository}/blobs/${digest}`);
        if (status !== 200 || digestOf(body) !== digest) {
            throw new Error(`${repository}: blob ${digest} is gone: ${status}`);
        }
        return [digest];
    }
}

function digestOf(text: string): string {
    return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
