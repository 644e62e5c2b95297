import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "./checkout";

/**
 * Makes a Debian root file system with a C compiler, as the example has it, from the machine's own apt sources, and keeps
 * it where the example's are kept.
 *
 * @param folder of the test's own, in which it is made
 * @param architecture as Debian calls it, such as `armhf`
 * @param release of Debian, such as `trixie`. @default the machine's own
 * @param packages more packages, with commas between them. @default none
 * @returns path of the tar
 */
export function debianRoot(folder: string, architecture: string, release?: string, packages = ""): string {
    const example = path.join(folder, "encoder");
    const prepare = path.join(example, "prepare.sh");
    mkdirSync(example, { recursive: true });
    // The example's own stays as it is.
    cpSync(path.join(checkout, "examples/encoder/prepare.sh"), prepare);
    execFileSync("sh", [prepare, architecture], {
        stdio: ["ignore", "ignore", "inherit"],
        env: {
            ...process.env,
            NATIVE_BUILDX_PACKAGES: packages,
            ...(release ? { NATIVE_BUILDX_APT: sourcesOf(release, path.join(folder, `apt-${release}`)) } : {}),
        },
    });
    return path.join(example, "base", architecture, "rootfs.tar");
}

/**
 * The machine's apt sources, of another release of Debian: as it was released. Not every mirror keeps the updates of all
 * architectures in step with their index.
 */
function sourcesOf(release: string, folder: string): string {
    const own = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
    const parts = "sources.list.d";
    mkdirSync(path.join(folder, parts), { recursive: true });
    const files = ["sources.list", ...readdirSync(`/etc/apt/${parts}`).map((name) => path.join(parts, name))];
    for (const file of files.filter((name) => existsSync(path.join("/etc/apt", name)))) {
        const text = readFileSync(path.join("/etc/apt", file), "utf8").replaceAll(own, release);
        // A stanza, or a line, of the release itself; of several suites that one.
        const sources = text.split(file.endsWith(".sources") ? /\n\n+/ : "\n");
        const released = sources.filter((source) => new RegExp(`\\b${release}(?!-)\\b`).test(source));
        const others = new RegExp(` ${release}-\\S+`, "g");
        writeFileSync(path.join(folder, file), `${released.join("\n\n").replace(others, "")}\n`);
    }
    return folder;
}
