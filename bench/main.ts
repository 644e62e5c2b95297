// make bench: the example, built by `pulumi up` and by plain buildx on the same runners, side by side in one run.
import { readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { knownPlatforms, type Platform } from "../components/architecture";
import { canSimulate } from "../packages/simulated-ec2/simulation";
import { barChart, evaluate, type Measurement, measurements, type Results, textTable } from "./figures";
import { hash, largeContext, sha256sum } from "./hashing";
import { plainCommands } from "./plainBuildx";
import { type Account, type BenchSettings, Sandbox, stackName } from "./sandbox";
import { WakeBench } from "./wakes";

const checkout = path.join(__dirname, "..");
/** Measurements of seconds only are repeated more often: they cost nothing. */
const repetitionsOfShort = 3;

class Bench {
    readonly measured: { [name in Measurement]?: number[] } = {};
    /** Settings in effect. */
    private platforms: Platform[] = [...knownPlatforms];
    private connectScript = "";
    private repositoryUrl = "";

    constructor(
        private readonly sandbox: Sandbox,
        private readonly images: BenchSettings["images"],
        /** Those that are built anew; the rest is built once and kept. */
        private readonly wanted: string[],
    ) {}

    /** Stack, runners, registry, and the images that are kept. */
    async begin(): Promise<void> {
        await this.up({ wanted: false });
        this.repositoryUrl = await this.sandbox.output("repositoryUrl");
    }

    /** (a), (b) and (d) of one run: plain buildx first, so that `pulumi up` leaves its cache for the change. */
    async run(run: number): Promise<void> {
        await this.makeCold();
        await this.time("buildxCold", () => this.plainBuildx());
        for (let time = 0; time < repetitionsOfShort; time++) {
            await this.time("buildxUnchanged", () => this.plainBuildx());
        }
        for (let time = 0; time < repetitionsOfShort; time++) {
            await this.sandbox.sleep(this.platforms);
            await this.time("buildxUnchangedAsleep", async () => {
                await this.sandbox.connect(this.connectScript);
                await this.plainBuildx();
            });
        }

        await this.makeCold();
        await this.time("upCold", () => this.up({ wanted: true }));
        for (let time = 0; time < repetitionsOfShort; time++) {
            await this.time("upUnchanged", () => this.sandbox.up());
        }
        await this.sandbox.sleep(this.platforms);
        for (let time = 0; time < repetitionsOfShort; time++) {
            await this.time("upUnchangedAsleep", () => this.sandbox.up());
        }
        await this.wake();
        await this.changeOneLine(run);
        await this.time("upOneLineChange", () => this.sandbox.up());
    }

    /** (c) of one run: each runner on a core of its own, both platforms and then the slower one. */
    async runOnCores(): Promise<void> {
        const measure = async (name: Measurement, platforms: Platform[]) => {
            this.platforms = platforms;
            await this.makeCold();
            for (const platform of platforms) {
                await this.sandbox.holdToCore(platform, knownPlatforms.indexOf(platform));
            }
            await this.time(name, () => this.up({ wanted: true }));
        };
        await measure("upBothOneCoreEach", [...knownPlatforms]);
        const seconds = await this.sandbox.builtSeconds(this.platforms);
        const [slowest] = [...seconds].sort(([, a], [, b]) => b - a)[0] ?? [];
        if (slowest) {
            await measure("upSlowestOneCore", [slowest]);
            // The next run begins with runners that have every core again. (The other one is gone.)
            await this.sandbox.sleep([slowest]);
        }
        this.platforms = [...knownPlatforms];
    }

    /** (e) of one run: what is the same whatever is built. */
    async runWithoutRunners(context: string): Promise<void> {
        for (let time = 0; time < repetitionsOfShort; time++) {
            await this.time("upEmpty", () => this.sandbox.upEmpty());
            await this.time("sha256sum", () => sha256sum(context));
            this.note("hash", await hash(context));
        }
    }

    /** (f) of one run: a wake on EC2, and the start that is in it whatever a runner does. */
    async runWakes(wakes: WakeBench): Promise<void> {
        for (let time = 0; time < repetitionsOfShort; time++) {
            await wakes.stop();
            await this.time("wake", () => wakes.wake());
            await this.time("boot", () => wakes.boot());
        }
    }

    private async up(images: { wanted: boolean }): Promise<void> {
        const names = Object.keys(this.images).filter((name) => images.wanted || !this.wanted.includes(name));
        await this.sandbox.configure({
            platforms: this.platforms,
            images: Object.fromEntries(names.map((name) => [name, this.images[name] ?? { context: "" }])),
        });
        await this.sandbox.up();
    }

    /** Neither state nor runners nor registry know the wanted images; the runners are awake. */
    private async makeCold(): Promise<void> {
        await this.up({ wanted: false });
        await this.wake();
        await this.sandbox.prune(this.platforms);
        await this.sandbox.forget(this.wanted);
    }

    private async wake(): Promise<void> {
        this.connectScript = await this.sandbox.output("connect");
        await this.sandbox.connect(this.connectScript);
    }

    private async plainBuildx(): Promise<void> {
        const { images, wanted, platforms, repositoryUrl } = this;
        const commands = plainCommands({ images, wanted, platforms, repositoryUrl, builder: stackName });
        const oneByOne = async (list: string[][]) => {
            for (const command of list) {
                await this.sandbox.docker(command);
            }
        };
        await Promise.all(commands.perPlatform.map(oneByOne));
        await oneByOne(commands.join);
    }

    /** In the copy of the example. A line that ends up in the program: a comment would not change it. */
    private async changeOneLine(run: number): Promise<void> {
        const file = path.join(this.sandbox.project, "examples/encoder/app/encode.c");
        const text = await fs.readFile(file, "utf8");
        const line = `const char native_buildx_bench[] = "run ${run}";\n`;
        await fs.writeFile(file, text.replace(/^const char native_buildx_bench.*\n/m, "") + line);
    }

    private async time(name: Measurement, action: () => Promise<void>): Promise<void> {
        const started = performance.now();
        await action();
        this.note(name, (performance.now() - started) / 1000);
    }

    private note(name: Measurement, seconds: number): void {
        this.measured[name] = [...(this.measured[name] ?? []), seconds];
        say(`${measurements[name]}: ${seconds.toFixed(1)} s`);
    }
}

function say(text: string): void {
    process.stderr.write(`bench: ${text}\n`);
}

function numberOfRuns(text: string): number {
    const runs = Number(text);
    if (!Number.isInteger(runs) || runs < 1) {
        throw new Error(`BENCH_RUNS: must be a whole number of at least 1, not "${text}"`);
    }
    return runs;
}

function chosenImages(names: string | undefined, declared: string[]): string[] {
    const wanted = names?.split(/[ ,]+/).filter(Boolean) ?? declared;
    const unknown = wanted.filter((name) => !declared.includes(name));
    if (wanted.length === 0 || unknown.length > 0) {
        throw new Error(`BENCH_IMAGES: must be some of ${declared.join(", ")}, not "${names}"`);
    }
    return wanted;
}

function machine(): string {
    const model = os.cpus()[0]?.model.trim() ?? process.arch;
    const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? os.type();
    return `${os.cpus().length} x ${model} (${process.arch}), ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${system}`;
}

async function writeResults(results: Results): Promise<void> {
    const folder = path.join(checkout, "bench/results");
    await fs.mkdir(folder, { recursive: true });
    await fs.writeFile(path.join(folder, "latest.json"), `${JSON.stringify(results, undefined, 2)}\n`);
    await fs.writeFile(path.join(folder, "latest.svg"), barChart(results));
}

/** A sandbox whose programs end when this one is told to. */
async function openSandbox(account?: Account): Promise<Sandbox> {
    const sandbox = await Sandbox.open(checkout, account);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.on(signal, () => {
            say("interrupted: ending and removing everything");
            sandbox.interrupt();
        });
    }
    return sandbox;
}

async function main(): Promise<void> {
    const runs = numberOfRuns(process.env.BENCH_RUNS ?? "2");
    const sandbox = await openSandbox();
    try {
        await sandbox.makeStack();
        await sandbox.addExample();
        const images = await sandbox.declaredImages();
        const wanted = chosenImages(process.env.BENCH_IMAGES, Object.keys(images));
        const bench = new Bench(sandbox, images, wanted);
        say(`${wanted.join(", ")}: ${runs} runs on ${machine()}`);
        const [load = 0] = os.loadavg();
        if (load > os.cpus().length / 4) {
            say(`the machine is busy (load ${load.toFixed(1)}): what else runs will be in the figures`);
        }
        await bench.begin();
        const context = await largeContext(sandbox.folder);
        for (let run = 1; run <= runs; run++) {
            say(`run ${run} of ${runs}`);
            await bench.run(run);
            await bench.runWithoutRunners(context);
            if (os.cpus().length >= knownPlatforms.length) {
                await bench.runOnCores();
            } else {
                say("fewer cores than platforms: no measurement with a core each");
            }
        }
        if (canSimulate) {
            await WakeBench.with(openSandbox, async (wakes) => {
                for (let run = 1; run <= runs; run++) {
                    await bench.runWakes(wakes);
                }
            });
        } else {
            say("not root, which the simulated EC2 needs: no measurement of wakes");
        }
        const results = { machine: machine(), date: new Date().toISOString(), ...evaluate(bench.measured) };
        await writeResults(results);
        process.stdout.write(`\n${textTable(results)}\nbench/results/latest.json and latest.svg have these figures.\n`);
    } finally {
        say("removing everything");
        await sandbox.close();
    }
}

main().catch((error: Error) => {
    say(error.message);
    process.exitCode = 1;
});
