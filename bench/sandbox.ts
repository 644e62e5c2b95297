import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { knownPlatforms, type Platform } from "../components/architecture";
import { parseReceipts, type Receipts } from "../components/image/receiptText";
import type { ImageDeclaration, ImageDraft } from "../configuration/images";
import { descendants } from "../tests/e2e/processes";
import { freePortsInRow } from "../tests/helpers/freePorts";
import { type CommandOptions, Commands } from "./commands";
import { type Account, sandboxEnvironment } from "./environment";

export const stack = "bench";
/** Name of the builder and of the stack's folder, as index.ts makes it. */
export const stackName = `native-buildx-${stack}`;

/** The settings that measurements vary. */
export interface BenchSettings {
    /** As in the configuration: patterns, too. */
    images: { [name: string]: ImageDraft };
    platforms: Platform[];
    /** @default 1 */
    runnersPerPlatform?: number;
    /** @default the program's */
    nativeCompilers?: boolean;
}

/** That any measurement has. */
const mostRunnersPerPlatform = 2;

/** Minutes: longer than any measurement, and an end for runners of a bench that was killed. */
const idleMinutes = 60;

/**
 * A project, a stack, a home and a data folder of its own for the bench, all in one temporary folder: nothing of the
 * user's is touched, and `close` ends and removes all of it.
 */
export class Sandbox {
    readonly project: string;
    private readonly data: string;
    private readonly environment: NodeJS.ProcessEnv;
    private readonly commands = new Commands();
    private encryptionSalt = "";

    private constructor(
        private readonly checkout: string,
        readonly folder: string,
        /** Where the runners are, in settings of the stack. */
        private readonly place: { [name: string]: unknown },
        /** Native compilers of emulated platforms, as tools/setup.sh made them. */
        readonly toolchains: string,
        account?: Account,
    ) {
        this.project = path.join(folder, "project");
        this.data = path.join(folder, "data");
        this.environment = sandboxEnvironment(folder, this.data, account);
    }

    /**
     * Only the folder as yet; then come `makeStack` and, whatever happens, `close`.
     *
     * @param account of runners on EC2. @default local runners
     */
    static async open(checkout: string, account?: Account): Promise<Sandbox> {
        // Short: unix sockets below it must not be longer than 107 characters.
        const folder = await fs.mkdtemp(path.join(tmpdir().length > 30 ? "/tmp" : tmpdir(), "nbx-"));
        const place = account?.settings ?? {
            runners: "local",
            localPort: await freePortsInRow(1 + mostRunnersPerPlatform * knownPlatforms.length),
        };
        const toolchains = path.join(process.env.NATIVE_BUILDX_HOME ?? "", "toolchains");
        return new Sandbox(checkout, folder, place, toolchains, account);
    }

    /** An empty stack of this program. */
    async makeStack(): Promise<void> {
        for (const name of ["state", "home", "project", "data"]) {
            await fs.mkdir(path.join(this.folder, name), { recursive: true });
        }
        await fs.symlink(this.toolchains, path.join(this.data, "toolchains"));
        for (const name of ["node_modules", "components", "configuration", "provider", "index.ts", "package.json"]) {
            await fs.symlink(path.join(this.checkout, name), path.join(this.project, name));
        }
        await fs.copyFile(path.join(this.checkout, "Pulumi.yaml"), path.join(this.project, "Pulumi.yaml"));
        const plugins = path.join(
            process.env.DOCKER_CONFIG ?? path.join(process.env.HOME ?? "", ".docker"),
            "cli-plugins",
        );
        if (existsSync(plugins)) {
            // As they are, links too: not a link to the folder, which would let something write into the user's.
            await fs.cp(plugins, path.join(this.folder, "home/.docker/cli-plugins"), { recursive: true });
        }
        await this.run("pulumi", ["stack", "init", stack]);
        this.encryptionSalt =
            /^encryptionsalt: (.*)$/m.exec(await fs.readFile(this.configurationFile, "utf8"))?.[1] ?? "";
    }

    /** A copy of the example with its inputs. */
    async addExample(): Promise<void> {
        const example = path.join(this.project, "examples/encoder");
        await fs.cp(path.join(this.checkout, "examples/encoder"), example, {
            recursive: true,
            filter: (source) => path.basename(source) !== "rootfs.tar",
        });
        // With the user's own HOME: what it downloads and makes is kept there, for every checkout.
        await this.run(path.join(example, "prepare.sh"), [], { environment: process.env });
    }

    /** A copy of a folder of bench as context of the same path in the project. */
    async addContext(name: string): Promise<void> {
        await fs.cp(path.join(this.checkout, "bench", name), path.join(this.project, name), { recursive: true });
    }

    /**
     * Folder `name` with what an image of this Debian source package is built of: its context in `app`, root file systems
     * of both platforms, with these packages, in `base`.
     */
    async addLibrary(name: string, packages: string[]): Promise<void> {
        const [library, here] = [path.join(this.project, name), path.join(this.checkout, "bench/emulation")];
        await fs.cp(path.join(here, name), path.join(library, "app"), { recursive: true });
        await fs.cp(path.join(here, "clip.c"), path.join(library, "app/clip.c"));
        await this.addRoots(name, packages, [], { NATIVE_BUILDX_SOURCE: name });
    }

    /**
     * Folder `name` with root file systems in `base`.
     *
     * @param packages in them, besides those of the example's
     * @param architectures as Debian calls them; none for those of both platforms
     */
    async addRoots(name: string, packages: string[], architectures: string[], variables = {}): Promise<void> {
        const prepare = path.join(this.project, name, "prepare.sh");
        await fs.cp(path.join(this.checkout, "examples/encoder/prepare.sh"), prepare);
        const environment = { ...process.env, ...variables, NATIVE_BUILDX_PACKAGES: packages.join(",") };
        await this.run(prepare, architectures, { environment });
    }

    private get configurationFile(): string {
        return path.join(this.project, `Pulumi.${stack}.yaml`);
    }

    /** The images that stack dev declares. */
    async declaredImages(): Promise<{ [name: string]: ImageDeclaration }> {
        const file = path.join(this.checkout, "Pulumi.dev.yaml");
        const text = await this.run("pulumi", ["config", "--stack", stack, "--config-file", file, "--json"]);
        const values = JSON.parse(text) as { [key: string]: { objectValue?: unknown } };
        return (values["native-buildx:images"]?.objectValue ?? {}) as { [name: string]: ImageDeclaration };
    }

    /** Writes the stack's configuration. (JSON is YAML.) */
    async configure(settings: BenchSettings): Promise<void> {
        const config = { ...this.place, idleMinutes, ...settings };
        await fs.writeFile(
            this.configurationFile,
            JSON.stringify({
                config: Object.fromEntries(
                    Object.entries(config).map(([key, value]) => [
                        key.includes(":") ? key : `native-buildx:${key}`,
                        value,
                    ]),
                ),
                encryptionsalt: this.encryptionSalt,
            }),
        );
    }

    async up(): Promise<void> {
        await this.run("pulumi", ["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs"]);
    }

    /** An `up` of a program that declares nothing, with the same packages. Made at the first call. */
    async upEmpty(): Promise<void> {
        const cwd = path.join(this.folder, "empty");
        if (!existsSync(cwd)) {
            await fs.mkdir(cwd);
            // The last two have what Node is started with.
            for (const name of ["node_modules", "package.json", "configuration", "provider"]) {
                await fs.symlink(path.join(this.checkout, name), path.join(cwd, name));
            }
            const own = await fs.readFile(path.join(this.checkout, "Pulumi.yaml"), "utf8");
            const runtime = /^runtime:\n(?: .*\n)+/m.exec(own)?.[0] ?? "";
            await fs.writeFile(path.join(cwd, "Pulumi.yaml"), `name: empty\n${runtime}main: index.ts\n`);
            await fs.writeFile(path.join(cwd, "index.ts"), 'import "@pulumi/pulumi";\n');
            await this.run("pulumi", ["stack", "init", stack], { cwd });
        }
        await this.run("pulumi", ["up", "--stack", stack, "--yes", "--skip-preview"], { cwd });
    }

    async output(name: string): Promise<string> {
        const value = await this.run("pulumi", ["stack", "output", name, "--stack", stack, "--show-secrets"]);
        return value.trimEnd();
    }

    /** `docker` with these arguments, in the project's folder. */
    async docker(args: string[]): Promise<void> {
        await this.run("docker", args);
    }

    /**
     * Wakes and registers runners of the stack.
     *
     * @param runners names. @default one of each platform
     */
    async connect(script: string, runners: string[] = []): Promise<void> {
        await this.run("sh", ["-s", "--", ...runners], { input: script });
    }

    private runnerFolder(runner: string): string {
        return path.join(this.data, stackName, runner);
    }

    /** Puts runners to sleep, by their names. */
    async sleep(runners: string[]): Promise<void> {
        for (const runner of runners) {
            await this.run("sh", ["runner.sh", "stop"], { cwd: this.runnerFolder(runner) });
        }
    }

    /** Stops all runners. What they were held to is over with them. */
    async stopRunners(): Promise<void> {
        await this.sleep(this.made().filter((name) => existsSync(path.join(this.runnerFolder(name), "runner.sh"))));
    }

    /** Names of what has a folder on this machine: runners, and the registry. */
    private made(): string[] {
        const folder = path.join(this.data, stackName);
        return existsSync(folder) ? readdirSync(folder) : [];
    }

    /** Empties the caches of runners, by their names. They must be awake. */
    async prune(runners: string[]): Promise<void> {
        for (const runner of runners) {
            const address = `unix://${path.join(this.runnerFolder(runner), "buildkitd.sock")}`;
            await this.run("buildctl", ["--addr", address, "prune", "--all"]);
        }
    }

    /** Removes images from the registry, so that the next push is a whole one. */
    async forget(names: string[]): Promise<void> {
        const repositories = path.join(
            this.data,
            stackName,
            "registry/data/docker/registry/v2/repositories/native-buildx",
        );
        for (const name of names) {
            await fs.rm(path.join(repositories, name), { recursive: true, force: true });
        }
    }

    /** Holds everything that a runner runs, now and until it stops, to one core. */
    async holdToCore(runner: string, core: number): Promise<void> {
        const pid = Number(readFileSync(path.join(this.runnerFolder(runner), "pid"), "utf8"));
        for (const process of [pid, ...descendants(pid)]) {
            await this.run("taskset", ["--all-tasks", "--cpu-list", "--pid", String(core), String(process)]);
        }
    }

    /** What the last builds took. */
    async receipts(): Promise<Receipts> {
        return parseReceipts(await this.output("receipts"));
    }

    /** Runs a program on the project. Resolves to its standard output; rejects with what it said last. */
    private run(command: string, args: string[], options: Partial<CommandOptions> = {}): Promise<string> {
        return this.commands.run(command, args, { cwd: this.project, environment: this.environment, ...options });
    }

    /** Ends what runs; what `close` runs is not affected. */
    interrupt(): void {
        this.commands.interrupt();
    }

    /** Destroys the stack, ends every process and removes the folder, whatever state they are in. */
    async close(): Promise<void> {
        await this.commands.ended();
        const ignore = () => undefined;
        await this.run("pulumi", ["cancel", "--stack", stack, "--yes"]).catch(ignore);
        await this.run("pulumi", ["destroy", "--stack", stack, "--yes", "--skip-preview"]).catch(ignore);
        // Where that failed, and for runners that the state never knew.
        for (const name of this.made()) {
            const script = name === "registry" ? "registry.sh" : "runner.sh";
            if (existsSync(path.join(this.runnerFolder(name), script))) {
                await this.run("sh", [script, "stop"], { cwd: this.runnerFolder(name) }).catch(ignore);
            }
        }
        await fs.rm(this.folder, { recursive: true, force: true }).catch(async () => {
            // Without root, files of the build containers belong to the user's subordinate ids.
            await this.run("rootlesskit", ["rm", "-rf", this.folder], { cwd: "/" });
        });
    }
}
