import childProcess, { type SpawnSyncReturns } from "node:child_process";
import fs from "node:fs";
import * as path from "node:path";
import { freePortsInRow } from "../../../tests/helpers/freePorts";
import { foreign, native, StandInMachine } from "../../../tests/helpers/standInMachine";
import { architectures, defaultPlatforms, knownPlatforms, type Platform } from "../../architecture";
import { machineMistakes } from "./machine";

let here: StandInMachine;
beforeEach(() => {
    here = new StandInMachine();
});
afterEach(() => here.end());

describe("this machine", () => {
    let localPort: number;
    beforeEach(async () => {
        localPort = await freePortsInRow(1 + knownPlatforms.length);
    });

    const mistakesOf = (changes: Partial<Parameters<typeof machineMistakes>[0]> = {}, stackFolder = "demo") =>
        machineMistakes({ platforms: [], runnersPerPlatform: 1, localPort, ...changes }, stackFolder);

    it("can be runners", async () => {
        expect(await mistakesOf({ platforms: knownPlatforms })).toEqual([]);
    });

    it.each<[string, string | undefined]>([
        ["is missing", undefined],
        ["is disabled", "disabled\ninterpreter /qemu\nflags: OCF\n"],
        ["has no flag F", "enabled\ninterpreter /qemu\nflags: OC\n"],
    ])("cannot build a foreign platform whose emulator's registration %s", async (_what, rule) => {
        here.rules = rule === undefined ? {} : { [architectures[foreign].binfmt]: rule };
        expect(await mistakesOf({ platforms: defaultPlatforms })).toEqual([
            `platforms: ${foreign} is foreign to this machine and QEMU is not registered for it ` +
                `(/proc/sys/fs/binfmt_misc/${architectures[foreign].binfmt}, flag F); ` +
                "run tools/setup.sh as root, or take the platform out",
        ]);
        expect(await mistakesOf({ platforms: [native] })).toEqual([]);
    });

    it.each<[string, NodeJS.Architecture, number, number]>([
        ["runs it natively, as many ARM machines of 64 bits do", "arm64", 0, 0],
        ["is of 64 bits only", "arm64", 1, 1],
        ["is another, whatever it does with programs of 32 bits", "x64", 0, 1],
    ])("needs no emulator of 32-bit ARM where it %s", async (_what, arch, status, mistakes) => {
        const processor = Object.getOwnPropertyDescriptor(process, "arch") as PropertyDescriptor;
        Object.defineProperty(process, "arch", { ...processor, value: arch });
        const setarch = jest.spyOn(childProcess, "spawnSync").mockReturnValue({ status } as SpawnSyncReturns<string>);
        here.rules = {};
        try {
            expect(await mistakesOf({ platforms: ["linux/arm/v7"] })).toHaveLength(mistakes);
            expect(setarch.mock.calls).toEqual(arch === "arm64" ? [["setarch", ["linux32", "true"]]] : []);
        } finally {
            Object.defineProperty(process, "arch", processor);
        }
    });

    it("must have the ports free", async () => {
        const port = await here.listen();
        const told = async (localPort: number, platforms: Platform[]) =>
            (await mistakesOf({ localPort, platforms }, "demo-dev")).filter((mistake) =>
                mistake.includes(`port ${port},`),
            );
        const remedy = "end that, or choose another first port: pulumi config set localPort NUMBER";
        expect(await told(port - 2, ["linux/amd64", "linux/arm64"])).toEqual([
            `localPort: port ${port}, for the linux/arm64 runner, is in use by something else; ${remedy}`,
        ]);
        // The registry's.
        expect(await told(port, ["linux/amd64", "linux/arm64"])).toEqual([]);
        // Nobody's, when that platform is not built.
        expect(await told(port - 2, ["linux/amd64"])).toEqual([]);
    });

    it("may have a runner's port in use by that runner, and by no other daemon of the stack", async () => {
        const { port, pid } = await here.serve("demo-dev/arm64");
        const told = async (localPort: number, platforms: Platform[]) =>
            (await mistakesOf({ localPort, platforms }, "demo-dev")).filter((mistake) =>
                mistake.includes(`port ${port},`),
            );
        expect(await told(port - 2, ["linux/arm64"])).toEqual([]);
        const folder = path.join(here.home, "demo-dev/arm64");
        const remedy = `end that: kill ${pid}, or choose another first port: pulumi config set localPort NUMBER`;
        expect(await told(port - 1, ["linux/amd64"])).toEqual([
            `localPort: port ${port}, for the linux/amd64 runner, is in use by process ${pid} of this stack, in ${folder}; ${remedy}`,
        ]);
        fs.rmSync(folder, { recursive: true });
        expect(await told(port - 2, ["linux/arm64"])).toEqual([
            `localPort: port ${port}, for the linux/arm64 runner, is in use by process ${pid} of this stack, in ${folder}, which was removed; ${remedy}`,
        ]);
    });

    it("does not take another's process for its runner, which runs with another port", async () => {
        const { pid } = await here.serve("demo-dev/arm64");
        fs.writeFileSync(path.join(here.home, "demo-dev/arm64/pid"), `${pid}\n`);
        const port = await here.listen();
        const mistakes = await mistakesOf({ localPort: port - 2, platforms: ["linux/arm64"] }, "demo-dev");
        expect(mistakes.filter((mistake) => mistake.includes(`port ${port},`))).toHaveLength(1);
    });

    it("must have a short enough data folder for sockets", async () => {
        // Of 107 characters, "/NAME/amd64/buildkitd.sock" needs 22 besides the name.
        const told = async (length: number) =>
            (await mistakesOf({ platforms: ["linux/amd64"] }, "n".repeat(length))).filter((mistake) =>
                mistake.startsWith("NATIVE_BUILDX_HOME"),
            );
        const longest = 107 - here.home.length - "//amd64/buildkitd.sock".length;
        expect(await told(longest)).toEqual([]);
        expect(await told(longest + 3)).toEqual([
            `NATIVE_BUILDX_HOME: ${here.home} is too long a path by 3 characters for a unix socket; set it to a shorter one`,
        ]);
    });
});
