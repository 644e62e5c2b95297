import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, type PulumiMocks, settled } from "../../tests/helpers/pulumiMocks";
import { StubRegistry } from "../../tests/helpers/stubRegistry";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import type { Platform } from "../architecture";
import { RemoteBuilder } from "../builder/remoteBuilder";
import type { Registry } from "../registry/registry";
import type { ConnectNode, Runner, RunnerDescription } from "../runner/runner";
import { MultiPlatformImage, type MultiPlatformImageArgs } from "./multiPlatformImage";

export const imageType = "native-buildx:index:PlatformImage";
export const indexType = "native-buildx:index:Index";
/** Where the images of `makeImage` go. */
export const repository = "registry.example:7443/demo/app";

class Machine extends pulumi.CustomResource {
    constructor(platform: Platform, parent: pulumi.Resource) {
        super("test:index:Machine", `machine ${platform}`, {}, { parent });
    }
}

class StubRunner extends pulumi.ComponentResource implements Runner {
    readonly runnerName: string;
    readonly description: pulumi.Output<RunnerDescription>;
    readonly node: pulumi.Output<ConnectNode>;
    readonly wakeScripts = [__filename];
    readonly inCluster = true;

    constructor(readonly platform: Platform) {
        super("test:index:StubRunner", platform);
        this.runnerName = platform.replace("linux/", "");
        this.description = pulumi.output<RunnerDescription>({ kind: "local", platform, id: "stub", idleMinutes: 15 });
        this.node = pulumi.output<ConnectNode>({ kind: "local", platform, serverName: "stub", variables: {} });
        new Machine(platform, this);
    }
}

/** A deployment with a builder of two stub runners, in a project of a few contexts. */
export class ImageBench {
    mocks!: PulumiMocks;
    builder!: RemoteBuilder;
    registry!: Registry;
    private readonly project = temporaryFolder();
    private readonly before = process.cwd();
    private contexts = 0;

    /** The project is the working directory until `close`. */
    open(): void {
        process.chdir(this.project);
        for (const folder of [".", "app", "base", "arm"]) {
            this.makeContext(folder, "FROM base");
        }
        for (const folder of ["more", "x", "y"]) {
            mkdirSync(folder);
        }
    }

    close(): void {
        process.chdir(this.before);
        rmSync(this.project, { recursive: true });
    }

    async deploy(): Promise<void> {
        this.mocks = await mockPulumi();
        this.registry = new StubRegistry("registry.example:7443/demo");
        this.builder = new RemoteBuilder("builder", {
            builder: "demo-dev",
            runners: [new StubRunner("linux/amd64"), new StubRunner("linux/arm64")],
        });
    }

    makeContext(folder: string, dockerfile: string): void {
        mkdirSync(folder, { recursive: true });
        writeFileSync(path.join(folder, "Dockerfile"), dockerfile);
    }

    /** A context with this Dockerfile. */
    withDockerfile(text: string): string {
        this.contexts += 1;
        const folder = path.join(this.project, `own-${this.contexts}`);
        this.makeContext(folder, text);
        return folder;
    }

    makeImage(args: Partial<MultiPlatformImageArgs> = {}, name = "app"): MultiPlatformImage {
        const { builder, registry } = this;
        return new MultiPlatformImage(name, { builder, registry, context: "./app", ...args });
    }
}

/** For a test file: a deployment before each test. */
export function imageBenchForEach(): ImageBench {
    const bench = new ImageBench();
    beforeAll(() => bench.open());
    afterAll(() => bench.close());
    beforeEach(() => bench.deploy());
    afterEach(settled);
    return bench;
}
