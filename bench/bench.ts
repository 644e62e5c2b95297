import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout } from "node:timers/promises";
import { defaultPlatforms, type Platform } from "../components/architecture";
import { runnerName } from "../components/runner/runnerNames";
import type { ImageDeclaration } from "../configuration/images";
import { canSimulate } from "../packages/simulated-ec2";
import { missingCluster } from "../tests/helpers/compileCluster";
import { ClusterBench } from "./compileCluster";
import { CompilingBench } from "./compiling";
import type { Account } from "./environment";
import { figure, type Measurement, measurements, type Note, type Time } from "./figures";
import { hash, largeContext, sha256sum } from "./hashing";
import { measureKubernetes } from "./kubernetes";
import { Monorepo } from "./monorepo";
import { plainCommands } from "./plainBuildx";
import { builtSeconds, sentMegabytes } from "./receipts";
import { type Sandbox, stackName } from "./sandbox";
import { twoRunners } from "./twoRunners";
import { WakeBench } from "./wakes";

/** Of measurements of seconds, and of those that are nearest to their goal. */
const [repetitions, manyRepetitions] = [3, 7];

/** The parts of the bench, in the order in which they run, and about how many minutes each takes on two cores. */
export const parts = {
    unchanged: 3,
    hash: 1,
    cold: 5,
    long: 8,
    edit: 1,
    cores: 4,
    many: 8,
    runners: 5,
    emulation: 25,
    cluster: 4,
    wakes: 2,
    kubernetes: 6,
};
export type Part = keyof typeof parts;

/** The example, built by `pulumi up` and by plain buildx on the same runners, side by side in one run. */
export class Bench {
    readonly measured: { [name in Measurement]?: number[] } = {};
    /** Settings in effect. */
    private platforms: Platform[] = [...defaultPlatforms];
    private nativeCompilers = true;
    private connectScript = "";
    private repositoryUrl = "";

    constructor(
        private readonly sandbox: Sandbox,
        private readonly images: { [name: string]: ImageDeclaration },
        /** Those that are built anew; the rest is built once and kept. */
        private readonly wanted: string[],
        private readonly runs: number,
        private readonly say: (text: string) => void,
        /** A sandbox besides. */
        private readonly openSandbox: (account: Account) => Promise<Sandbox>,
    ) {}

    private get runners(): string[] {
        return this.platforms.map((platform) => runnerName(platform));
    }

    async run(part: Part): Promise<void> {
        const { time } = this;
        const actions: { [P in Part]: () => Promise<void> } = {
            unchanged: () => this.unchanged(),
            hash: () => this.hash(),
            cold: () => this.repeat(() => this.cold()),
            long: () => this.repeat(() => this.long()),
            edit: () => this.edit(),
            cores: () => this.cores(),
            many: () => this.many(),
            runners: () => this.repeat(() => twoRunners(this.sandbox, this.images, time)),
            emulation: () => this.emulation(),
            cluster: () => this.cluster(),
            wakes: () => this.wakes(),
            kubernetes: () => measureKubernetes(this.runs, time, this.say),
        };
        // Some parts hold their runners to a core, until they stop.
        await this.sandbox.stopRunners();
        await actions[part]();
    }

    private async repeat(action: () => Promise<void>): Promise<void> {
        for (let run = 1; run <= this.runs; run++) {
            this.say(`run ${run} of ${this.runs}`);
            await action();
        }
    }

    /** What is measured against each other takes turns: whatever else the machine does is in both. */
    private async unchanged(): Promise<void> {
        await this.up({ wanted: true });
        await this.wake();
        await this.sandbox.sleep(this.runners);
        // Files that were just made are read at every `up`, as on no other day: see provider/context/digestLog.ts.
        await setTimeout(61_000);
        // Once before: what only the first `up` after a build does is not in the figures.
        await this.sandbox.up();
        await this.sandbox.upEmpty();
        for (let time = 0; time < manyRepetitions; time++) {
            await this.time("upEmpty", () => this.sandbox.upEmpty());
            await this.time("upUnchangedAsleep", () => this.sandbox.up());
        }
        for (let time = 0; time < repetitions; time++) {
            await this.sandbox.sleep(this.runners);
            await this.time("buildxUnchangedAsleep", async () => {
                await this.sandbox.connect(this.connectScript);
                await this.plainBuildx();
            });
            await this.time("upUnchanged", () => this.sandbox.up());
            await this.time("buildxUnchanged", () => this.plainBuildx());
        }
    }

    private async hash(): Promise<void> {
        const context = await largeContext(this.sandbox.project);
        for (let time = 0; time < repetitions; time++) {
            await this.time("sha256sum", () => sha256sum(context));
            this.note("hash", await hash(context));
        }
    }

    /** Plain buildx first, so that `pulumi up` leaves its cache for a change. */
    private async coldBuilds(byBuildx: Measurement, byUp: Measurement): Promise<void> {
        await this.makeCold();
        await this.time(byBuildx, () => this.plainBuildx());
        await this.makeCold();
        await this.time(byUp, () => this.up({ wanted: true }));
    }

    private async cold(): Promise<void> {
        await this.coldBuilds("buildxCold", "upCold");
        await this.changeOneLine();
        await this.time("upOneLineChange", () => this.sandbox.up());
    }

    /** Builds of minutes: of the emulated platform, compilers are emulated too. */
    private async long(): Promise<void> {
        this.nativeCompilers = false;
        await this.coldBuilds("buildxLong", "upLong");
        this.nativeCompilers = true;
    }

    /** What the runner asks for of a large context, at first and after the edit of a file. */
    private async edit(): Promise<void> {
        const context = await largeContext(this.sandbox.project);
        const dockerfile = path.join(context, "Dockerfile");
        // All of it is sent, and little is pushed.
        await fs.writeFile(dockerfile, "FROM scratch AS all\nCOPY . /\nFROM scratch\nCOPY --from=all /0/0 /\n");
        await this.sandbox.configure({
            platforms: this.platforms,
            images: { large: { context: "large", platforms: ["linux/amd64"] } },
        });
        await this.sandbox.up();
        this.note("sentFirst", sentMegabytes(await this.sandbox.receipts(), "large"));
        await fs.appendFile(path.join(context, "0/0"), "edited");
        await this.time("upEdit", () => this.sandbox.up());
        this.note("sentEdit", sentMegabytes(await this.sandbox.receipts(), "large"));
    }

    /** Each runner on a core of its own, both platforms and then the slower one. Once: it takes long. */
    private async cores(): Promise<void> {
        if (os.cpus().length < defaultPlatforms.length) {
            this.say("fewer cores than platforms: no measurement with a core each");
            return;
        }
        const measure = async (name: Measurement, platforms: Platform[]) => {
            this.platforms = platforms;
            await this.makeCold();
            for (const platform of platforms) {
                await this.sandbox.holdToCore(runnerName(platform), defaultPlatforms.indexOf(platform));
            }
            await this.time(name, () => this.up({ wanted: true }));
        };
        await measure("upBothOneCoreEach", [...defaultPlatforms]);
        const seconds = builtSeconds(await this.sandbox.receipts(), this.platforms);
        const [slowest] = [...seconds].sort(([, a], [, b]) => b - a)[0] ?? [];
        if (slowest) {
            await measure("upSlowestOneCore", [slowest]);
        }
    }

    private async emulation(): Promise<void> {
        const missing = CompilingBench.missing(this.sandbox.toolchains);
        if (missing) {
            this.say(`${missing}: no measurement of emulation`);
            return;
        }
        const compiling = await CompilingBench.open(this.sandbox);
        await this.repeat(() => compiling.measure(this.note));
    }

    private async cluster(): Promise<void> {
        const missing = missingCluster();
        if (missing) {
            this.say(`${missing}: no measurement of a compile cluster`);
            return;
        }
        await ClusterBench.with(this.sandbox, (bench) => this.repeat(() => bench.measure(this.note)));
    }

    /** One of 20 images changed: by `pulumi up`, and by bake. */
    private async many(): Promise<void> {
        const monorepo = await Monorepo.built(this.sandbox, this.images);
        const measure = async (...names: [Measurement, Measurement, Measurement]) => {
            for (let turn = 0; turn < manyRepetitions; turn++) {
                await monorepo.measure(names, this.time);
            }
        };
        await measure("bakeOfOne", "upOneOfTwenty", "bakeOfTwenty");
        await monorepo.fill();
        await measure("bakeOfOneFull", "upOneOfTwentyFull", "bakeOfTwentyFull");
    }

    /** A wake on EC2, and the start that is in it whatever a runner does. */
    private async wakes(): Promise<void> {
        if (!canSimulate) {
            this.say("not root, which the simulated EC2 needs: no measurement of wakes");
            return;
        }
        await WakeBench.with(this.openSandbox, async (wakes) => {
            for (let time = 0; time < repetitions * this.runs; time++) {
                await wakes.stop();
                await this.time("wake", () => wakes.wake());
                await this.time("boot", () => wakes.boot());
            }
        });
    }

    private async up(images: { wanted: boolean }): Promise<void> {
        const names = Object.keys(this.images).filter((name) => images.wanted || !this.wanted.includes(name));
        await this.sandbox.configure({
            platforms: this.platforms,
            nativeCompilers: this.nativeCompilers,
            images: Object.fromEntries(names.map((name) => [name, this.images[name] ?? { context: "" }])),
        });
        await this.sandbox.up();
    }

    /** Neither state nor runners nor registry know the wanted images; the runners are awake. */
    private async makeCold(): Promise<void> {
        await this.up({ wanted: false });
        await this.wake();
        await this.sandbox.prune(this.runners);
        await this.sandbox.forget(this.wanted);
    }

    private async wake(): Promise<void> {
        this.connectScript = await this.sandbox.output("connect");
        this.repositoryUrl = await this.sandbox.output("repositoryUrl");
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
    private async changeOneLine(): Promise<void> {
        const file = path.join(this.sandbox.project, "examples/encoder/app/encode.c");
        const text = await fs.readFile(file, "utf8");
        const line = `const char native_buildx_bench[] = "${Date.now()}";\n`;
        await fs.writeFile(file, text.replace(/^const char native_buildx_bench.*\n/m, "") + line);
    }

    private readonly time: Time = async (name, action) => {
        const started = performance.now();
        await action();
        this.note(name, (performance.now() - started) / 1000);
    };

    private readonly note: Note = (name, value) => {
        this.measured[name] = [...(this.measured[name] ?? []), value];
        this.say(`${measurements[name]}: ${figure(name, value)}`);
    };
}
