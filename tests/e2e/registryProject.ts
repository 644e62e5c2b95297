import { copyFileSync, mkdirSync } from "node:fs";
import * as path from "node:path";
import type { RegistryWorld } from "../helpers/registryWorld";
import { writes } from "../helpers/stepImage";
import type { Running } from "./commands";
import { Project } from "./project";

/** A stack of a program of its own whose every command runs in a world of registries. */
export class RegistryProject extends Project {
    private world: RegistryWorld | undefined;

    static createIn(world: RegistryWorld, stack: string, images: { [name: string]: unknown }): RegistryProject {
        const project = new RegistryProject(stack, { localPort: 7443, registry: "generic", images }, {});
        project.world = world;
        project.configure({});
        // Where SSL_CERT_DIR leads.
        mkdirSync(path.join(project.machine.home, "trust"), { recursive: true });
        copyFileSync(world.authority, path.join(project.machine.home, "trust/world.pem"));
        return project;
    }

    override start(
        command: string,
        words: string[],
        options: { input?: string; env?: NodeJS.ProcessEnv } = {},
    ): Running {
        const [file, all] = this.world?.command(this.folder, command, words) ?? [command, words];
        return super.start(file, all, options);
    }

    /** Where whoever looks into the registry is logged in. */
    private readerLogin: NodeJS.ProcessEnv = {};

    override async registryEnvironment(): Promise<NodeJS.ProcessEnv> {
        return this.readerLogin;
    }

    lookAs(dockerConfig: string): void {
        this.readerLogin = { DOCKER_CONFIG: dockerConfig };
    }

    async set(setting: string, value: string): Promise<void> {
        await this.succeed(this.run("pulumi", ["config", "set", setting, value, "--stack", this.stack]));
    }

    async setToken(token: string): Promise<void> {
        const words = ["config", "set", "--secret", "registryToken", "--stack", this.stack];
        await this.succeed(this.run("pulumi", words, { input: token }));
    }

    async unset(...settings: string[]): Promise<void> {
        for (const setting of settings) {
            await this.succeed(this.run("pulumi", ["config", "rm", setting, "--stack", this.stack]));
        }
    }

    /** Says something else in the app's last step. */
    change(text: string): void {
        this.context("app", ["FROM base", writes(text)]);
    }

    /** What crane says, as whoever looks into the registry. */
    async crane(...words: string[]): Promise<string> {
        return (await this.succeed(this.run("crane", words, { env: this.readerLogin }))).output.trim();
    }

    digestOf(ref: string): Promise<string> {
        return this.crane("digest", ref);
    }
}
