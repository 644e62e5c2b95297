import fs from "node:fs";
import * as path from "node:path";
import { architectures, knownPlatforms, type Platform } from "../components/architecture";
import { machineMistakes } from "./machine";
import { foreign, native, StandInMachine } from "./standInMachine";

let here: StandInMachine;
beforeEach(() => {
    here = new StandInMachine();
});
afterEach(() => here.end());

describe("this machine", () => {
    beforeEach(() => here.run("running"));

    const mistakesOf = (changes: Partial<Parameters<typeof machineMistakes>[0]> = {}, stackFolder = "running") =>
        machineMistakes({ platforms: [], localPort: 0, registryHost: "registry.example", ...changes }, stackFolder);

    it("can be runners and registry", async () => {
        expect(await mistakesOf({ platforms: knownPlatforms })).toEqual([]);
    });

    it.each<[string, string | undefined]>([
        ["is missing", undefined],
        ["is disabled", "disabled\ninterpreter /qemu\nflags: OCF\n"],
        ["has no flag F", "enabled\ninterpreter /qemu\nflags: OC\n"],
    ])("cannot build a foreign platform whose emulator's registration %s", async (_what, rule) => {
        here.rules = rule === undefined ? {} : { [architectures[foreign].binfmt]: rule };
        expect(await mistakesOf({ platforms: knownPlatforms })).toEqual([
            `platforms: ${foreign} is foreign to this machine and QEMU is not registered for it ` +
                `(/proc/sys/fs/binfmt_misc/${architectures[foreign].binfmt}, flag F); ` +
                "run tools/setup.sh as root, or take the platform out",
        ]);
        expect(await mistakesOf({ platforms: [native] })).toEqual([]);
    });

    it.each(["localhost", "127.0.0.1", "::1", "[::1]", "registry.example:5000", "my registry", "-x", ""])(
        "cannot have a registry that goes by %j",
        async (registryHost) => {
            expect(await mistakesOf({ registryHost })).toEqual([
                `registryHost: "${registryHost}" must be a host name other than localhost, and no address`,
            ]);
        },
    );

    it("must know the registry's name as its own", async () => {
        const remedy = "echo '127.0.0.1 other.example' | sudo tee -a /etc/hosts";
        expect(await mistakesOf({ registryHost: "other.example" })).toEqual([
            `registryHost: other.example is not known on this machine; run tools/setup.sh as root, or: ${remedy}`,
        ]);
        here.addresses["other.example"] = "192.0.2.1";
        expect(await mistakesOf({ registryHost: "other.example" })).toEqual([
            `registryHost: other.example leads to 192.0.2.1, not to this machine alone; choose another name, or: ${remedy}`,
        ]);
    });

    it("must have the ports free", async () => {
        const port = await here.listen();
        const told = async (localPort: number, platforms: Platform[]) =>
            (await mistakesOf({ localPort, platforms }, "demo-dev")).filter((mistake) =>
                mistake.includes(`port ${port},`),
            );
        const remedy = (ports: number) =>
            `end that, or choose another first port (${ports} in a row are used): pulumi config set localPort NUMBER`;
        expect(await told(port, ["linux/arm64"])).toEqual([
            `localPort: port ${port}, for the registry, is in use by something else; ${remedy(2)}`,
        ]);
        expect(await told(port - 2, ["linux/amd64", "linux/arm64"])).toEqual([
            `localPort: port ${port}, for the linux/arm64 runner, is in use by something else; ${remedy(3)}`,
        ]);
        // Nobody's, when that platform is not built.
        expect(await told(port - 2, ["linux/amd64"])).toEqual([]);
    });

    it("may have the ports in use by the stack's own processes", async () => {
        const port = await here.listen();
        const told = async () =>
            (await mistakesOf({ localPort: port }, "demo-dev")).filter((mistake) => mistake.includes(`port ${port},`));
        const folder = path.join(here.home, "demo-dev", "registry");
        fs.mkdirSync(folder, { recursive: true });
        fs.writeFileSync(path.join(folder, "pid"), `${process.pid}\n`);
        expect(await told()).toEqual([]);
        // One that is gone: no process has so high a number.
        fs.writeFileSync(path.join(folder, "pid"), "4194999\n");
        expect(await told()).toHaveLength(1);
    });

    it.each([undefined, "", "/etc/ssl/certs", "/trust"])(
        "must trust the registry: SSL_CERT_DIR %j",
        async (folders) => {
            delete process.env.SSL_CERT_DIR;
            if (folders !== undefined) {
                process.env.SSL_CERT_DIR = folders;
            }
            expect(await mistakesOf()).toEqual([
                `SSL_CERT_DIR: does not name ${here.home}/trust, so the local registry's certificate would not be trusted; ` +
                    "run this in the project's folder first: . ./tools/env.sh",
            ]);
        },
    );

    it("must have a short enough data folder for sockets", async () => {
        // Of 107 characters, "/NAME/amd64/buildkitd.sock" needs 22 besides the name.
        const longest = 107 - here.home.length - "//amd64/buildkitd.sock".length;
        expect(await mistakesOf({}, "n".repeat(longest))).toEqual([]);
        expect(await mistakesOf({}, "n".repeat(longest + 3))).toEqual([
            `NATIVE_BUILDX_HOME: ${here.home} is too long a path by 3 characters for a unix socket; set it to a shorter one`,
        ]);
    });
});
