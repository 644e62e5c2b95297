import { existsSync } from "node:fs";
import { shells } from "../../../../tests/helpers/workbench";
import { until } from "../../local/localRunnerBench";
import { PodBench } from "./podBench";

jest.setTimeout(60_000);

describe.each(shells)("a pod that does not come to serve, in %s", (_name, shell) => {
    let bench: PodBench;
    beforeEach(() => {
        bench = new PodBench(shell);
        bench.stub("openssl", 'cat >>"$bench/requests"; cat "$bench/answer"');
        bench.write("answer", 'HTTP/1.1 200 OK\r\n\r\n{"kind":"Scale","spec":{}}');
        bench.layOut();
    });
    afterEach(() => bench.dispose());

    const note = () => bench.path("sockets/unserved");
    const secondsAgo = (seconds: number) => `${Math.floor(Date.now() / 1000) - seconds}\n`;
    /** Starts its container, whose image lacks a program: it ends at once, as it would every time. */
    const start = async () => {
        const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
        const { status, stderr } = await bench.run(bench.script("serve.sh"), { env });
        expect(status).toBe(1);
        return stderr;
    };

    it("tries again for as long as a client would wait", async () => {
        await start();
        const began = bench.read("sockets/unserved");
        expect(began).toMatch(/^\d+\n$/);
        await start();
        expect(bench.read("sockets/unserved")).toBe(began);
        expect(bench.read("requests")).toBe("");
    });

    it("scales itself to 0 then, and tells why its container ends after it", async () => {
        bench.write("sockets/unserved", secondsAgo(700));
        expect(await start()).toMatch(
            /^native-buildx: has not served for 70\d s: scaled to 0, so that it keeps no node\n.*the image has no program/,
        );
        expect(bench.read("requests")).toMatch(/^PATCH .*\/arm64-2\/scale /);
        expect(bench.read("requests")).toContain('{"spec":{"replicas":0}}');
        // Woken before it was ended, it has all its time.
        expect(existsSync(note())).toBe(false);
    });

    it("asks at its next start again where that was refused", async () => {
        bench.write("sockets/unserved", secondsAgo(700));
        bench.write("answer", 'HTTP/1.1 403 Forbidden\r\n\r\n{"kind":"Status","message":"forbidden"}');
        expect(await start()).toMatch(/^native-buildx: cannot scale StatefulSet arm64-2 to 0: forbidden\n/);
        expect(existsSync(note())).toBe(true);
    });

    it("tries for ever where runners never sleep", async () => {
        bench.layOut({ unserved_seconds: 0 });
        bench.write("sockets/unserved", secondsAgo(700));
        await start();
        expect(bench.read("requests")).toBe("");
    });

    it("is one that serves once BuildKit has answered for a while", async () => {
        bench.write("sockets/unserved", secondsAgo(500));
        bench.write("sockets/buildkitd.sock");
        bench.stub("buildctl", "exit 1");
        const watcher = bench.start("idle.sh", {}, String(process.pid));
        await until(() => !existsSync(note()));
        await watcher.end();
    });
});
