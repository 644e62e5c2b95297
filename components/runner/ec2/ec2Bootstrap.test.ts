import { createHash } from "node:crypto";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import { shells, Workbench } from "../../../tests/helpers/workbench";
import { defaultBuildkitRelease, packUserData, renderUserData, userDataLimit } from "./ec2Bootstrap";
import { filesOf, bootstrapSettings as settings } from "./machine/runnerBench";
import { runnerPaths } from "./runnerPaths";

describe("user data", () => {
    const userData = renderUserData(settings);
    const emulation = { machines: ["aarch64", "riscv64"], recipeParameters: ["/a/1"], recipeSha256: "b".repeat(64) };
    const emulating = renderUserData({ ...settings, emulation });
    const cluster = {
        ...{
            name: "demo-prod",
            membersParameter: "/a/members",
            recipeParameters: ["/a/2"],
            recipeSha256: "c".repeat(64),
        },
        ...{ originals: ["x86_64"], helpers: ["x86_64", "aarch64"] },
    };
    const clustered = renderUserData({ ...settings, cluster });

    it("takes, packed, no more than six tenths of what EC2 takes", () => {
        const packed = Buffer.from(packUserData(userData), "base64");
        expect(packed.length).toBeLessThan(userDataLimit * 0.6);
        expect(gunzipSync(packed).toString()).toBe(userData);
    });

    it("has what makes native compilers only where the runner emulates", () => {
        expect(Object.keys(filesOf(userData)).filter((name) => /compilers|toolchain/.test(name))).toEqual([]);
        expect(Buffer.from(packUserData(emulating), "base64").length).toBeLessThan(userDataLimit * 0.75);
    });

    it("has what makes a node of a compile cluster only where the runner is in one, and the settings of its node", () => {
        const namesOf = (text: string) => Object.keys(filesOf(text)).map((name) => path.basename(name));
        expect(namesOf(userData).filter((name) => /cluster|recipe/.test(name))).toEqual([]);
        expect(namesOf(clustered)).toEqual(
            expect.arrayContaining([
                "compile-cluster.sh",
                "recipe.sh",
                "step-mounts.sh",
                "native-buildx-cluster.service",
            ]),
        );
        expect(clustered).toContain("native-buildx-cluster.service\n");
        expect(clustered).toContain("\nmembers_parameter='/a/members'\n");
        expect(userData).not.toContain("scheduler_port=");
    });

    it("has room for all of it", () => {
        const all = renderUserData({ ...settings, emulation, cluster });
        expect(Buffer.from(packUserData(all), "base64").length).toBeLessThan(userDataLimit * 0.85);
    });

    it("is packed into the same bytes on every machine and version of Node", () => {
        const digest = createHash("sha256")
            .update(packUserData("echo hello\n".repeat(1000)))
            .digest("hex");
        expect(digest).toBe("cdd844626eb212d51f1095c606f5a72925ddfd365768e2cef5faeae9b1bc3e0e");
    });

    it("is refused when it does not fit", () => {
        const noise = Array.from({ length: 400 }, (_, index) => createHash("sha512").update(`${index}`).digest("hex"));
        expect(() => packUserData(renderUserData({ ...settings, buildkitConfig: noise.join("\n") }))).toThrow(
            /and EC2 takes 16384/,
        );
    });

    it("does not depend on the machine that renders it", () => {
        expect(renderUserData({ ...settings })).toBe(userData);
        expect(userData.startsWith("#!/bin/sh\n")).toBe(true);
    });

    it("keeps what comes from the settings one word of shell", async () => {
        const bench = new Workbench();
        const hostile = 'it\'s $(touch HERE) `x` "y"';
        const rendered = filesOf(renderUserData({ ...settings, buildkitUrl: hostile }));
        const file = bench.write("settings", rendered[`${runnerPaths.library}/settings`] ?? "");
        const result = await bench.run(["dash", "-c", `. ${file}; printf %s "$buildkit_url"`]);
        expect(result.stdout).toBe(hostile);
        bench.dispose();
    });

    it.each([
        [125, 15],
        [1000, 10],
        [2000, 5],
    ])("looks at a volume of %d MiB/s every %d s: what it takes meanwhile was free", (cacheThroughput, seconds) => {
        const changed = renderUserData({ ...settings, cacheThroughput });
        expect(changed).toContain(`\nlook_seconds='${seconds}'\n`);
        const low = Number(/^low_mb='(\d+)'$/m.exec(changed)?.[1]);
        expect((seconds * cacheThroughput * 2 ** 20) / 1e6).toBeLessThan(low);
    });

    it("looks as rarely at a runner that never stops", () => {
        expect(renderUserData({ ...settings, idleMinutes: 0 })).toContain("\nlook_seconds='15'\n");
    });

    it("refuses a file that would end early", () => {
        expect(() => renderUserData({ ...settings, buildkitConfig: "END-OF-FILE\n" })).toThrow("end it early");
    });

    it("starts the idle rule before anything that can fail", () => {
        expect(userData.trim().split("\n").at(-1)).toBe(
            "systemctl enable --now --no-block native-buildx-idle.service native-buildx-install.service " +
                "native-buildx-cache.service native-buildx-keys.service native-buildx-firewall.service buildkit.service " +
                "native-buildx-callers.timer",
        );
    });

    it("has nothing for callers where nobody comes for a time", () => {
        expect(renderUserData({ ...settings, callersGroup: "" })).not.toContain("callers");
    });

    it.each(shells)("is a script that %s can read, as is each script in it", async (_name, shell) => {
        const bench = new Workbench();
        const scripts = Object.entries(filesOf(userData)).filter(([name]) => name.endsWith(".sh"));
        expect(scripts.map(([name]) => path.basename(name)).sort()).toEqual([
            "callers.sh",
            "common.sh",
            "firewall.sh",
            "idle-rule.sh",
            "idle.sh",
            "install.sh",
            "instance-role.sh",
            "keys.sh",
            "mount-cache.sh",
            "publish-keys.sh",
            "room.sh",
            "serve.sh",
            "step-firewall.sh",
            "step-runtime.sh",
            "steps.sh",
        ]);
        const all = renderUserData({ ...settings, emulation, cluster });
        const more = Object.entries(filesOf(all)).filter(([name]) => name.endsWith(".sh"));
        expect(more).toHaveLength(scripts.length + 5);
        for (const [name, text] of [["user-data", all] as const, ...more]) {
            const result = await bench.run([...shell, "-n", bench.write(path.basename(name), text)]);
            expect({ name, ...result }).toEqual({ name, status: 0, stdout: "", stderr: "" });
        }
        bench.dispose();
    });

    it("names in its units only scripts that it writes", () => {
        const files = filesOf(renderUserData({ ...settings, emulation, cluster }));
        const called = Object.entries(files)
            .filter(([name]) => /\.(service|conf)$/.test(name))
            .flatMap(([, text]) => [...text.matchAll(/\/usr\/local\/lib\/native-buildx\/\S+/g)].map(([name]) => name));
        expect(called).toHaveLength(13);
        for (const script of called) {
            expect(Object.keys(files)).toContain(script);
        }
        expect(Object.keys(files)).toContain(runnerPaths.stepRuntime);
        const network = JSON.parse(files[runnerPaths.networkConfig] ?? "");
        expect(network.plugins[0]).toMatchObject({ type: "bridge", portIsolation: true });
        expect(files["/etc/systemd/system/native-buildx-install.service"]).toContain(
            `ConditionPathExists=!${runnerPaths.installedMarker}\n`,
        );
    });
});

describe("BuildKit's release", () => {
    it("has a checksum for every platform, each its own", () => {
        const sums = Object.values(defaultBuildkitRelease.sha256);
        expect(sums).toHaveLength(2);
        expect(new Set(sums).size).toBe(2);
        for (const sum of sums) {
            expect(sum).toMatch(/^[0-9a-f]{64}$/);
        }
    });
});
