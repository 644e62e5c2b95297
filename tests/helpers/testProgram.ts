import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

/** A program that only tests need, which `tools/setup.sh --check` builds outside of the checkout. */
export class TestProgram {
    /** Its path. */
    readonly file: string;

    /**
     * @param module Go module that it is built from
     * @param folder folder of the go.mod that has the module's version
     */
    constructor(
        private readonly name: string,
        module: string,
        folder: string,
    ) {
        const versions = readFileSync(path.join(folder, "go.mod"), "utf8");
        const [, version] = new RegExp(`${module} (v\\S+)`).exec(versions) ?? [];
        const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache");
        this.file = path.join(cache, "native-buildx", `${name}-${version}`);
    }

    /** Why the tests cannot use it here; undefined where they can. */
    missing(): string | undefined {
        return existsSync(this.file) ? undefined : `${this.name} is not built: run tools/setup.sh --check`;
    }
}
