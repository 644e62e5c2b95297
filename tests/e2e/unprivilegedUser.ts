import { execFileSync } from "node:child_process";
import { chownSync, copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../helpers/temporaryFolder";

const name = "nbx-user";
/** Of systemd's range for users that exist for a while only. */
const id = 61_999;
const firstSubordinateId = 1_500_000_000;
const subordinateIds = `${firstSubordinateId}:65536`;

/** What it takes to become the user, and Debian's package of it. */
const programs = {
    unshare: "util-linux",
    setpriv: "util-linux",
    rootlesskit: "rootlesskit",
    newuidmap: "uidmap",
};

/**
 * A user without any rights, who exists in the mount namespaces of his own processes only: there, /etc/passwd and its
 * kin are copies that know him. Nothing of him is left on the machine. Needs root.
 */
export class UnprivilegedUser {
    readonly id = id;
    /** Where the user sees the checkout: the way to it may be closed to others than root. */
    readonly checkout: string;
    private readonly identity: string;
    private readonly bin: string;

    /** @param folder of this user's own; must be removed afterwards */
    constructor(
        folder: string,
        private readonly realCheckout: string,
    ) {
        this.checkout = path.join(folder, "checkout");
        this.identity = path.join(folder, "identity");
        this.bin = path.join(folder, "bin");
        for (const place of [this.checkout, this.identity, this.bin]) {
            mkdirSync(place);
        }
        writeFileSync(path.join(this.bin, "node"), "");
        const entries = {
            passwd: `${name}:x:${id}:${id}::${folder}:/bin/sh`,
            group: `${name}:x:${id}:`,
            subuid: `${name}:${subordinateIds}`,
            subgid: `${name}:${subordinateIds}`,
        };
        for (const [file, entry] of Object.entries(entries)) {
            copyFileSync(`/etc/${file}`, path.join(this.identity, file));
            writeFileSync(path.join(this.identity, file), `${entry}\n`, { flag: "a" });
        }
        this.give(folder);
    }

    /** What keeps this machine from having such a user, or him from having runners; nothing if it can be. */
    static missing(checkout: string): string | undefined {
        for (const [program, debianPackage] of Object.entries(programs)) {
            const folders = (process.env.PATH ?? "").split(":");
            if (!folders.some((folder) => existsSync(path.join(folder, program)))) {
                return `program ${program} is missing (package ${debianPackage}): run tools/setup.sh --check`;
            }
        }
        for (const file of ["/etc/subuid", "/etc/subgid"]) {
            if (!existsSync(file)) {
                return `there is no file ${file} to put a copy over`;
            }
        }
        const folder = temporaryFolder();
        try {
            const user = new UnprivilegedUser(folder, checkout);
            const state = path.join(folder, "rootlesskit");
            const [command, args] = user.command("rootlesskit", ["--pidns", `--state-dir=${state}`, "true"]);
            execFileSync(command, args, { stdio: "pipe", env: { ...process.env, ...user.environment } });
            return undefined;
        } catch (error) {
            const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
            return `a user without root cannot have namespaces of processes here: ${said.split("\n").at(-1)}`;
        } finally {
            rmSync(folder, { recursive: true, force: true });
        }
    }

    /** Variables that are different for the user. */
    get environment(): { [name: string]: string | undefined } {
        return {
            PATH: `${this.bin}:${path.join(this.checkout, "tools/bin")}:${process.env.PATH}:/usr/sbin:/sbin`,
            USER: name,
            LOGNAME: name,
            XDG_RUNTIME_DIR: undefined,
        };
    }

    /** The machine's id of a user of the containers that this user runs. */
    outside(idInContainer: number): number {
        return idInContainer === 0 ? id : firstSubordinateId + idInContainer - 1;
    }

    /** Makes a file or folder the user's. */
    give(file: string): void {
        chownSync(file, id, id);
    }

    /** A command as the user runs it. */
    command(command: string, args: string[]): [string, string[]] {
        // Node may be as far off the user's ways as the checkout.
        const mounts = [
            ...["passwd", "group", "subuid", "subgid"].map((file) => [path.join(this.identity, file), `/etc/${file}`]),
            [this.realCheckout, this.checkout],
            [process.execPath, path.join(this.bin, "node")],
        ].flat();
        const script = [
            'while [ "$1" != -- ]; do mount --bind "$1" "$2" && shift 2 || exit; done',
            `shift && exec setpriv --reuid=${id} --regid=${id} --clear-groups "$@"`,
        ].join("\n");
        return ["unshare", ["--mount", "sh", "-c", script, "sh", ...mounts, "--", command, ...args]];
    }
}
