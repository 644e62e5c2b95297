import { rmSync } from "node:fs";
import * as path from "node:path";
import type { Simulation } from "../../../packages/simulated-ec2";
import { unchanged } from "../../e2e/project";
import { type Arch, fromStep, writes } from "../../helpers/stepImage";
import { Ec2Project } from "../ec2Project";
import type { Random } from "./random";

/** The settings that a campaign changes. */
interface Settings {
    platforms: string[];
    vpc: string;
    idleMinutes: number;
    cacheGigabytes: number;
    usePrivateAddress: boolean;
    buildkitPort: number;
    allowedCidrs: string[];
    instanceTypes: { [platform: string]: string };
    fallbackInstanceTypes: { [platform: string]: string[] };
    githubRepositories: string[];
    forceDelete: boolean;
    [name: string]: unknown;
}

/** A stack in a simulated account, and what has to be true of it. */
export class World {
    readonly project: Ec2Project;
    /** What each image has to hold, by name. */
    private readonly texts = new Map<string, string>();
    private written = 0;
    /** Images whose repositories may be there without the stack: they were removed while `forceDelete` was off. */
    private readonly released = new Set<string>();

    readonly settings: Settings;

    constructor(
        readonly simulation: Simulation,
        readonly random: Random,
    ) {
        this.settings = {
            platforms: ["linux/amd64", "linux/arm64"],
            vpc: "default",
            idleMinutes: 15,
            cacheGigabytes: 20,
            usePrivateAddress: false,
            buildkitPort: 9753,
            allowedCidrs: [simulation.environment.SIM_CLIENT_CIDR ?? ""],
            instanceTypes: {},
            fallbackInstanceTypes: {},
            githubRepositories: [],
            forceDelete: false,
        };
        this.project = Ec2Project.createIn(simulation, "campaign", {});
        this.project.context("nothing", ["FROM scratch", "COPY Dockerfile /"]);
        this.write("first");
    }

    get images(): string[] {
        return [...this.texts.keys()];
    }

    get archs(): Arch[] {
        return this.settings.platforms.map((platform) => platform.slice("linux/".length) as Arch);
    }

    change(settings: Partial<Settings>): void {
        Object.assign(this.settings, settings);
        const images = Object.fromEntries(this.images.map((image) => [image, { context: image }]));
        this.project.configure({ ...this.settings, images });
    }

    /** Changes what an image holds, or declares it. */
    write(image: string): void {
        const text = `text ${this.written++}`;
        this.texts.set(image, text);
        this.project.context(image, [...fromStep, writes(text)]);
        this.change({});
    }

    remove(image: string): void {
        this.texts.delete(image);
        if (!this.settings.forceDelete) {
            this.released.add(image);
        }
        rmSync(path.join(this.project.folder, image), { recursive: true });
        this.change({});
    }

    /** The next `up` after a step, another that has nothing to do, and builds that are right. */
    async settle(...options: string[]): Promise<void> {
        const { project } = this;
        const up = (...more: string[]) => project.succeed(project.pulumi("up", "--yes", "--skip-preview", ...more));
        await up(...options);
        const { output } = await up();
        if (!unchanged.test(output)) {
            throw new Error(`an unchanged up changed something:\n${output}`);
        }
        for (const [image, text] of this.texts) {
            await this.checkImage(image, text);
        }
        await project.connectAndBuild("laptop", this.random.pick(this.archs));
    }

    private async checkImage(image: string, text: string): Promise<void> {
        const found = await this.project.platformsOf(image);
        if (found.join() !== [...this.settings.platforms].sort().join()) {
            throw new Error(
                `image ${image} is for ${found.join(", ")} and not for ${this.settings.platforms.join(", ")}`,
            );
        }
        for (const arch of this.archs) {
            const held = await this.project.fileIn(image, arch, "result");
            if (held !== text) {
                throw new Error(`image ${image} for ${arch} holds "${held}" and not "${text}"`);
            }
        }
    }

    /** How many calls have changed something in the account. */
    private async changes(): Promise<number> {
        const calls = await this.simulation.calls();
        return calls.filter(({ action, status }) => status < 400 && !/:(Describe|Get|List|Batch)/.test(action)).length;
    }

    /**
     * Starts an `up` and kills it after so many calls that change something, or so many seconds.
     *
     * @returns whether it was killed: it may have come to its end
     */
    async killedUp(calls: number, seconds: number): Promise<boolean> {
        const limit = (await this.changes()) + calls;
        const end = Date.now() + seconds * 1000;
        const running = this.project.startUp();
        while (running.child.exitCode === null && Date.now() < end && (await this.changes()) < limit) {
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        if (running.child.exitCode !== null) {
            await this.project.succeed(running.done);
            return false;
        }
        await this.project.kill(running);
        return true;
    }

    /** While `forceDelete` is off, it is refused as long as there are images: then what the message says, word for word. */
    async destroy(): Promise<void> {
        const { project, settings } = this;
        const destroy = () => project.pulumi("destroy", "--yes", "--skip-preview");
        const { code, output } = await destroy();
        if (code === 0) {
            return;
        }
        const commands = [...output.matchAll(/^ +(aws ecr delete-repository .*)$/gm)].map(([, words = ""]) => words);
        if (settings.forceDelete || commands.length === 0) {
            throw new Error(`destroy failed:\n${output}`);
        }
        for (const command of commands) {
            await project.succeed(project.run("sh", ["-c", command]));
        }
        await project.succeed(destroy());
    }

    /** Repositories that the stack has released, and that nobody deleted. */
    async deleteReleased(): Promise<void> {
        const { AWS_REGION } = this.simulation.environment;
        for (const name of (await this.simulation.account())[`${AWS_REGION} repositories`] ?? []) {
            if (this.released.has(name.split("/").at(-1) ?? "")) {
                await this.deleteRepository(name);
            }
        }
    }

    async deleteRepository(name: string): Promise<void> {
        const words = ["ecr", "delete-repository", "--force", "--repository-name", name];
        await this.project.succeed(this.project.run("aws", words));
    }
}
