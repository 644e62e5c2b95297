import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { Platform } from "../../components/architecture";
import { Buildkit } from "../../tests/helpers/buildkit";
import { GitServer } from "../../tests/helpers/gitServer";
import { quietWork } from "../../tests/helpers/quietWork";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import type { Work } from "../resource";
import { serving } from "./connectionsBench";
import { type PlatformImageInputs, type PlatformImageOutputs, PlatformImageResource } from "./platformImage";

/** Images of contexts on a git server, built on a real runner. Of a `describe`, whose hooks it has. */
export class RemoteContextsBench {
    readonly folder = temporaryFolder();
    readonly buildkit = new Buildkit();
    readonly server = new GitServer(this.folder);
    resource!: PlatformImageResource;
    /** Warnings, and what was shown, since a test began. */
    said: string[] = [];
    shown: string[] = [];
    private sshAgent: ChildProcess | undefined;

    constructor() {
        const environment = process.env;
        beforeAll(() => this.start());
        afterAll(async () => {
            process.env = environment;
            this.sshAgent?.kill();
            this.server.end();
            await this.buildkit.end();
            rmSync(this.folder, { recursive: true });
        });
        beforeEach(() => {
            this.resource = new PlatformImageResource(serving);
            this.said = [];
            this.shown = [];
        });
    }

    private async start(): Promise<void> {
        const environment = process.env;
        const programs = path.join(this.folder, "programs");
        mkdirSync(programs);
        // In the place of ssh and the server behind it: does at once what git asks for.
        writeFileSync(path.join(programs, "ssh"), '#!/bin/sh\nfor asked; do :; done\nexec sh -c "$asked"\n');
        chmodSync(path.join(programs, "ssh"), 0o755);
        const agent = path.join(this.folder, "agent");
        process.env = { ...environment, PATH: `${programs}:${environment.PATH}` };
        this.sshAgent = spawn("ssh-agent", ["-D", "-a", agent], { stdio: "ignore" });
        await Promise.all([this.buildkit.start(), this.server.start()]);
        process.env = { ...environment, ...this.buildkit.environment, SSH_AUTH_SOCK: agent };
    }

    work(name: string): Work {
        return {
            ...quietWork(name),
            status: (text) => this.shown.push(text),
            log: (severity, text) => severity === "warning" && this.said.push(text),
        };
    }

    inputs(platform: Platform, changes: Partial<PlatformImageInputs>): PlatformImageInputs {
        return {
            platform,
            runner: platform,
            builder: this.buildkit.builder,
            context: "",
            contexts: {},
            args: {},
            secrets: {},
            tags: [`${this.buildkit.registry}/app:${platform.slice(6)}`],
            cacheFrom: [],
            cacheTo: [],
            sourceLabels: true,
            here: { connect: "", project: this.buildkit.folder, buildsPerRunner: 1 },
            ...changes,
        };
    }

    check(platform: Platform, changes: Partial<PlatformImageInputs>, olds: Partial<PlatformImageInputs> = {}) {
        return this.resource.check(this.inputs(platform, changes), this.work(platform), olds);
    }

    async build(checked: PlatformImageInputs): Promise<PlatformImageOutputs> {
        return (await this.resource.create(checked, this.work(checked.platform))).outputs;
    }

    async labelsOf({ digest }: PlatformImageOutputs): Promise<{ [name: string]: string }> {
        return (await this.buildkit.config(`app@${digest}`)).config.Labels ?? {};
    }

    /** A commit of which each folder's image says the word. */
    push(branch: string, word: string): string {
        const saying = (said: string) => `FROM scratch\nLABEL word=${said}\n`;
        const dockerfiles = { Dockerfile: saying(word), "sub/Dockerfile": saying(`${word}-sub`) };
        return this.server.commit(branch, { ...dockerfiles, "sub/other/Dockerfile": saying(`${word}-other`) });
    }
}
