import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { until } from "../../../tests/e2e/processes";
import { daysPass } from "../../../tests/helpers/daysPass";
import { find } from "../../../tests/helpers/find";
import { describeUnless } from "../../../tests/helpers/needs";
import { shells } from "../../../tests/helpers/workbench";
import { LocalRegistryBench } from "./localRegistryBench";

jest.setTimeout(60_000);

const missing = ["registry", "openssl", "flock", "setsid"].find((program) => !find(program));

describeUnless(missing && `${missing} is not on PATH`).each(shells)(
    "the local registry's garbage in %s",
    (_n, shell) => {
        const days = 14;
        let bench: LocalRegistryBench;
        beforeEach(async () => {
            bench = await LocalRegistryBench.make(shell, days);
            expect(await bench.script("start")).toEqual({ status: 0, stdout: "", stderr: "" });
        });
        afterEach(async () => {
            bench.hangUp();
            await bench.script("stop");
            bench.dispose();
        });

        const pid = () => readFileSync(path.join(bench.home, "pid"), "utf8");
        /** The next start, so many days after the one before. */
        async function startAfter(passed: number): Promise<string> {
            bench.hangUp();
            daysPass(bench.home, passed);
            const { status, stderr } = await bench.script("start");
            expect(status).toBe(0);
            return stderr;
        }
        /** An image of two platforms as `pulumi up` pushes it: with tags of their own, and an attestation beside each. */
        async function pushImage(text: string) {
            const platforms = await Promise.all(
                ["amd64", "arm64"].map(async (arch) =>
                    bench.index(
                        "team/app",
                        [
                            await bench.image("team/app", `${text} ${arch}`),
                            await bench.image("team/app", `of ${text} ${arch}`),
                        ],
                        `latest-${arch}`,
                    ),
                ),
            );
            return { platforms, joined: await bench.index("team/app", platforms, "latest") };
        }

        it("is what no tag has led to for some days; whatever belongs to a tag still pulls", async () => {
            const old = await pushImage("old");
            const oldParts = await bench.pull("team/app", old.joined.digest);
            await bench.image("team/app", "signature of old", `${old.joined.digest.replace(":", "-")}.sig`);
            // As BuildKit writes one: it is a manifest like those of images.
            const cache = await bench.image("team/app", "cached", "cache-arm64");
            const { joined } = await pushImage("new");
            await bench.image("team/app", "signature of new", `${joined.digest.replace(":", "-")}.sig`);
            const other = await bench.image("other", "never tagged");

            // Seen without a tag, and kept for as long as the setting says.
            expect(await startAfter(1)).toBe("");
            expect(await startAfter(days - 1)).toBe("");
            expect(await bench.pull("team/app", old.joined.digest)).toEqual(oldParts);
            await bench.pull("other", other.digest);

            expect(await startAfter(1)).toMatch(
                new RegExp(
                    `^registry: removed \\d+ manifests that had no tag for ${days} days, \\d+ MB: .*/garbage.log\n$`,
                ),
            );
            for (const gone of oldParts) {
                expect((await bench.call("HEAD", `/v2/team/app/manifests/${gone}`)).status).toBe(404);
                expect((await bench.call("HEAD", `/v2/team/app/blobs/${gone}`)).status).toBe(404);
            }
            await expect(bench.pull("other", other.digest)).rejects.toThrow("is gone");
            const { body } = await bench.call("GET", "/v2/team/app/tags/list");
            expect(JSON.parse(body).tags.sort()).toEqual(
                [
                    "cache-arm64",
                    "latest",
                    "latest-amd64",
                    "latest-arm64",
                    `${joined.digest.replace(":", "-")}.sig`,
                ].sort(),
            );
            for (const tag of JSON.parse(body).tags) {
                await bench.pull("team/app", tag);
            }
            expect((await bench.pull("team/app", "latest"))[0]).toBe(joined.digest);
            expect((await bench.pull("team/app", "cache-arm64"))[0]).toBe(cache.digest);
            expect(bench.read("registry/garbage.log")).toContain(`team/app@${old.joined.digest}\n`);
        });

        it("is not what has a tag that only begins as a signature's does", async () => {
            const { digest } = await bench.image("app", "one", "sha256-5d41402a");
            const before = await bench.pull("app", "sha256-5d41402a");
            const copy = `${digest.replace(":", "-")}-copy`;
            const other = await bench.image("app", "two", copy);
            // Its signature goes by its digest alone, in the form of OCI.
            const signature = await bench.image("app", "signature", digest.replace(":", "-"));
            await startAfter(1);
            await startAfter(days);
            expect(await bench.pull("app", "sha256-5d41402a")).toEqual(before);
            expect((await bench.pull("app", copy))[0]).toBe(other.digest);
            expect((await bench.pull("app", signature.digest))[0]).toBe(signature.digest);
        });

        it("is not what has a tag again, or was pushed again", async () => {
            const [tagged, pushed] = [await bench.image("app", "one"), await bench.image("app", "two")];
            await startAfter(1);
            await bench.image("app", "one", "again");
            await startAfter(days - 1);
            await bench.image("app", "two");
            await startAfter(1);
            await bench.pull("app", tagged.digest);
            await bench.pull("app", pushed.digest);
            await startAfter(days);
            await bench.pull("app", "again");
            await expect(bench.pull("app", pushed.digest)).rejects.toThrow("is gone");
        });

        it("is collected once a day, and not while somebody is connected", async () => {
            await bench.image("app", "one", "latest");
            const before = pid();
            daysPass(bench.home, 1);
            expect(await bench.script("start")).toMatchObject({ status: 0 });
            expect(pid()).toBe(before);
            bench.hangUp();
            await bench.script("start");
            const after = pid();
            expect(after).not.toBe(before);
            await bench.script("start");
            expect(pid()).toBe(after);
            await bench.pull("app", "latest");
        });

        it("is collected while nobody can push, and who comes meanwhile waits", async () => {
            const old = await bench.image("app", "old");
            const program = find("registry");
            bench.stub(
                "registry",
                `if [ "$1" = garbage-collect ]; then n=0; until [ -e "$bench/go" ] || [ $((n += 1)) -gt 300 ]; do sleep 0.1; done; fi; exec ${program} "$@"`,
            );
            await bench.script("stop");
            daysPass(bench.home, 1);
            const first = bench.script("start");
            await until("the collection", () =>
                bench.calls.some((call) => call.startsWith("registry garbage-collect")),
            );
            const second = bench.script("start");
            const served = await Promise.race([first, second, new Promise((resolve) => setTimeout(resolve, 3_000))]);
            expect(served).toBeUndefined();
            await expect(bench.image("app", "new", "latest")).rejects.toThrow("ECONNREFUSED");
            bench.write("go");
            expect(await first).toMatchObject({ status: 0 });
            expect(await second).toMatchObject({ status: 0 });
            await bench.image("app", "old", "latest");
            expect((await bench.pull("app", "latest"))[0]).toBe(old.digest);
            await startAfter(days);
            await bench.pull("app", "latest");
        });

        it("keeps no registry from serving when it cannot be collected", async () => {
            await bench.image("app", "one", "latest");
            const program = find("registry");
            bench.stub("registry", `if [ "$1" = garbage-collect ]; then echo no >&2; exit 1; fi; exec ${program} "$@"`);
            expect(await startAfter(1)).toBe(
                `registry: could not collect its garbage; the end of ${bench.home}/garbage.log:\nno\n`,
            );
            await bench.pull("app", "latest");
            expect(existsSync(path.join(bench.home, "collecting"))).toBe(false);
        });
    },
);
