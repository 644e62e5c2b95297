import { lstatSync, readdirSync, statSync } from "node:fs";
import { shells } from "../../../../tests/helpers/workbench";
import { RunnerBench } from "./runnerBench";

describe.each(shells)("mount-cache.sh in %s", (_name, shell) => {
    let bench: RunnerBench;
    afterEach(() => bench.dispose());

    // Only the node is looked at: everything that would touch the device is a stub.
    const device = readdirSync("/dev")
        .map((name) => `/dev/${name}`)
        .find((name) => lstatSync(name).isBlockDevice());
    const onDevice = device ? it : it.skip;
    beforeEach(() => {
        bench = new RunnerBench(shell);
        for (const tool of ["mkfs.ext4", "e2fsck", "resize2fs", "mount"]) {
            bench.stub(tool);
        }
        bench.stub("mountpoint", "exit 1");
    });

    onDevice("formats a volume on which there is nothing at all", async () => {
        bench.stub("blkid", "exit 2");
        bench.stub("head", "/usr/bin/head -c 1000 /dev/zero");
        bench.layOut({ cache_device: device ?? "" });
        expect((await bench.runScript("mount-cache.sh")).status).toBe(0);
        expect(bench.calls.map((call) => call.split(" ")[0])).toEqual([
            "mountpoint",
            "blkid",
            "head",
            "mkfs.ext4",
            "mount",
        ]);
    });

    onDevice("does not format one that holds bytes which blkid does not know", async () => {
        bench.stub("blkid", "exit 2");
        bench.stub("head", "printf 'somebody\\047s data'");
        bench.layOut({ cache_device: device ?? "" });
        expect((await bench.runScript("mount-cache.sh")).status).toBe(1);
        expect(bench.calls.some((call) => call.startsWith("mkfs") || call.startsWith("mount "))).toBe(false);
        expect(bench.read("console")).toContain("holds something that is not a file system: not formatted");
    });

    onDevice.each([
        ["another file system", "echo xfs"],
        ["an ambivalent one", "exit 8"],
        ["an unreadable one", "exit 4"],
    ])("does not format %s", async (_what, blkid) => {
        bench.stub("blkid", blkid);
        bench.layOut({ cache_device: device ?? "" });
        expect((await bench.runScript("mount-cache.sh")).status).toBe(1);
        expect(bench.calls.some((call) => call.startsWith("mkfs") || call.startsWith("mount "))).toBe(false);
    });

    onDevice("checks, grows and mounts the cache it knows", async () => {
        bench.stub("blkid", "echo ext4");
        bench.layOut({ cache_device: device ?? "" });
        expect((await bench.runScript("mount-cache.sh")).status).toBe(0);
        expect(bench.calls.map((call) => call.split(" ")[0])).toEqual([
            "mountpoint",
            "blkid",
            "e2fsck",
            "resize2fs",
            "mount",
        ]);
    });

    it("never formats on a time-out", async () => {
        bench.stub("blkid", "exit 2");
        bench.layOut({ cache_device: "/dev/disk/by-id/nowhere", cache_wait_seconds: 1 });
        expect((await bench.runScript("mount-cache.sh")).status).toBe(1);
        expect(bench.calls.filter((call) => !call.startsWith("mountpoint"))).toEqual([]);
        expect(bench.read("console")).toContain("did not appear as /dev/disk/by-id/nowhere");
    });

    it("leaves a stand-in, which has no volume, its root disk", async () => {
        bench.layOut({ cache_device: "" });
        expect((await bench.runScript("mount-cache.sh")).status).toBe(0);
        expect(bench.calls).toEqual([]);
        expect(statSync(bench.path("cache")).isDirectory()).toBe(true);
    });
});
