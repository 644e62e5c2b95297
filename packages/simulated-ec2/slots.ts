import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";

/** Slots of tests; the others are for those who start a simulation by hand. */
const slots = [8, 9, 10, 11, 12, 13, 14, 15];

/** As in sim.sh. */
function cacheFolder(): string {
    const cache = process.env.XDG_CACHE_HOME ?? path.join(process.env.HOME ?? "", ".cache");
    return process.env.SIM_CACHE ?? path.join(cache, "simulated-ec2");
}

export function stateFolder(slot: number): string {
    return path.join(cacheFolder(), `slot-${slot}`);
}

/**
 * A slot that no other test on this machine has. Its claim is a file with the number of the process that has it.
 *
 * @throws Error if all are taken
 */
export function claimSlot(): number {
    mkdirSync(cacheFolder(), { recursive: true });
    const words = ["claims.lock", path.join(__dirname, "claim.sh"), process.pid, ...slots].map(String);
    const { stdout, status } = spawnSync("flock", words, {
        cwd: cacheFolder(),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) {
        throw new Error(
            `no free slot for a simulation: see ${cacheFolder()}, and SIM_SLOT=8 ${path.join(__dirname, "sim.sh")} stop`,
        );
    }
    const slot = Number(stdout);
    // A process that was killed may have left its simulation.
    runSim(slot, ["stop"]);
    return slot;
}

export function releaseSlot(slot: number): void {
    rmSync(claimOf(slot), { force: true });
}

function claimOf(slot: number): string {
    return path.join(cacheFolder(), `claim-${slot}`);
}

/** @throws Error with what sim.sh said */
export function runSim(slot: number, args: string[], settings: { [name: string]: string } = {}): void {
    const done = spawnSync(path.join(__dirname, "sim.sh"), args, {
        encoding: "utf8",
        env: { ...process.env, ...settings, SIM_SLOT: String(slot) },
        stdio: ["ignore", "inherit", "pipe"],
    });
    if (done.status !== 0) {
        throw new Error(`sim.sh ${args.join(" ")}: ${done.stderr}`);
    }
}

/** What a simulation in this slot has left on this machine. */
export function leftovers(slot: number): string[] {
    const name = `simec2-${slot}`;
    const folder = stateFolder(slot);
    const output = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" });
    const lines = (text: string, pattern: string) => text.split("\n").filter((line) => line.includes(pattern));
    const places = [
        folder,
        `/proc/sys/fs/binfmt_misc/${name}`,
        `/sys/fs/cgroup/unified/${name}`,
        `/sys/fs/cgroup/memory/${name}`,
        `/sys/fs/cgroup/${name}`,
    ];
    return [
        ...lines(output("ip", "-brief", "link"), name),
        ...lines(output("ip", "netns"), name),
        ...lines(output("ps", "-eo", "pid,args"), folder),
        ...lines(output("losetup", "--list", "--output", "BACK-FILE"), folder),
        ...lines(readFileSync("/proc/self/mountinfo", "utf8"), folder),
        ...lines(readFileSync("/etc/hosts", "utf8"), name),
        ...places.filter(existsSync),
    ];
}
