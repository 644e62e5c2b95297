import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { commandOf } from "../../../tests/e2e/processes";
import { find } from "../../../tests/helpers/find";
import { freePorts } from "../../../tests/helpers/freePorts";
import { describeUnless } from "../../../tests/helpers/needs";
import { shells } from "../../../tests/helpers/workbench";
import { isFree } from "../../localMachine/ports";
import { LocalRegistryBench } from "./localRegistryBench";

jest.setTimeout(60_000);

const missing = ["registry", "openssl", "flock", "setsid"].find((program) => !find(program));
const quiet = { status: 0, stdout: "", stderr: "" };

describeUnless(missing && `${missing} is not on PATH`).each(shells)(
    "the local registry's script in %s",
    (_n, shell) => {
        let bench: LocalRegistryBench;
        beforeEach(async () => {
            bench = await LocalRegistryBench.make(shell, 14);
        });
        afterEach(async () => {
            bench.hangUp();
            await bench.script("stop");
            bench.dispose();
        });
        const pid = () => Number(readFileSync(path.join(bench.home, "pid"), "utf8"));

        it("takes no setting from whoever starts it, whose variables other programs read too", async () => {
            const [port = 0] = await freePorts(1);
            // podman's and skopeo's, the registry's own, and a shell's.
            const env = {
                REGISTRY_AUTH_FILE: "/auth.json",
                REGISTRY_HTTP_ADDR: `127.0.0.1:${port}`,
                CDPATH: bench.folder,
            };
            mkdirSync(bench.path("tls"));
            expect(await bench.script("start", { ...env, host: "person" })).toEqual(quiet);
            await bench.image("app", "one", "latest");
            expect(await isFree(port)).toBe(true);
            expect(readFileSync(`/proc/${pid()}/environ`, "utf8")).not.toMatch(/REGISTRY_|person/);
        });

        it("keeps its address while a runner beside it builds", async () => {
            await bench.script("start");
            const before = pid();
            // Stand-ins for two runners' scripts.
            for (const runner of ["amd64", "arm64"]) {
                mkdirSync(bench.path(runner));
            }
            bench.write("amd64/runner.sh", "exit 1\n");
            bench.write("arm64/runner.sh", '[ "$1" = builds ] && [ -e building ]\n');
            bench.write("arm64/building");
            await bench.move();
            expect(await bench.script("start")).toEqual({
                status: 1,
                stdout: "",
                stderr: "registry: localPort, registryHost: a build runs that pushes to its address of before. Try again when that is done, or set them back.\n",
            });
            expect(pid()).toBe(before);
            rmSync(bench.path("arm64/building"));
            expect(await bench.script("start")).toEqual(quiet);
            expect(pid()).not.toBe(before);
            await bench.image("app", "one", "latest");
        });

        it("does not take another folder's registry, which has the id by now, for its own", async () => {
            const other = spawn("sh", ["-c", "read line; : registry serve"], { cwd: bench.path("bin") });
            try {
                writeFileSync(path.join(bench.home, "pid"), `${other.pid}\n`);
                expect(commandOf(other.pid ?? 0)).toContain("registry serve");
                expect(await bench.script("stop")).toEqual(quiet);
                writeFileSync(path.join(bench.home, "pid"), `${other.pid}\n`);
                expect(await bench.script("start")).toEqual(quiet);
                expect(pid()).not.toBe(other.pid);
                await bench.image("app", "one", "latest");
                expect([other.exitCode, other.signalCode]).toEqual([null, null]);
            } finally {
                other.kill("SIGKILL");
            }
        });
    },
);
