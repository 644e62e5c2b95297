import { shells } from "../../../tests/helpers/workbench";
import { running, type Scene, stopped, wakeBenchForEach } from "./wakeEc2Bench";

describe.each(shells)("knocks at EC2 runners in %s", (_name, shell) => {
    const bench = wakeBenchForEach(shell);
    const wake = (scene: Scene) => bench().wake(scene);

    describe("when the runner gives no answer at all", () => {
        const silence = "no answer at all from 203.0.113.9:9753: is your address, 203.0.113.77, in allowedCidrs?";
        beforeEach(() => bench().write("own-address", "203.0.113.77\n"));

        it("asks for the address that is let in, once and within three knocks, and in the end", async () => {
            const result = await wake({ states: { "i-0a": [running] }, knocks: [28], timeout: 4 });
            expect(result).toMatchObject({ status: 1, stdout: "" });
            const [first, last, ...more] = result.stderr.split("\n");
            expect(first).toBe(`arm64 runner i-0a: ${silence} Waiting on ...`);
            expect(last).toMatch(/^arm64 runner i-0a: does not serve after \d+ s: no answer at all from /);
            expect(more).toEqual([""]);
        });

        it("does so when it was started only after the time that a boot takes", async () => {
            const wakeWith = (silent: number) =>
                wake({
                    states: { "i-0a": [stopped, running] },
                    starts: { "i-0a": ["ok"] },
                    knocks: [...Array<number>(silent).fill(28), 7, 56],
                });
            expect((await wakeWith(8)).stderr).not.toContain("allowedCidrs");
            expect((await wakeWith(9)).stderr).toContain(silence);
        });

        it.each([
            ["refuses", 7],
            ["takes its time after it was reached", "late"],
        ] as const)("does not when it %s", async (_what, knock) => {
            const result = await wake({ states: { "i-0a": [running] }, knocks: [...Array(9).fill(knock), 56] });
            expect(result).toMatchObject({ status: 0 });
            expect(result.stderr).toMatch(
                /^arm64 runner i-0a: running, waiting until it serves \.\.\.\narm64 runner i-0a: serving after \d+ s\n$/,
            );
        });

        it.each([
            ["where nobody can tell it", "", { address_arm64: "public" }, "203.0.113.9"],
            ["where a page of words came back", "<html>log in", { address_arm64: "public" }, "203.0.113.9"],
            ["within a private network", "203.0.113.77", { address_arm64: "private" }, "10.0.0.9"],
        ])("says it without the address %s", async (_where, answer, changes, host) => {
            bench().write("own-address", answer);
            const { stderr } = await wake({ states: { "i-0a": [running] }, knocks: [28, 28, 28, 56], changes });
            expect(stderr).toContain(`no answer at all from ${host}:9753: is your address in allowedCidrs?`);
        });
    });

    describe("where there is no curl", () => {
        function knock(answer: string) {
            bench().write("port", `${answer}\n`);
            bench().write("states/i-0a", `${running}\n`);
            const noCurl = "command() { if [ \"$*\" = '-v curl' ]; then return 1; fi; return 0; }";
            return bench().call("wake_ec2 arm64", [noCurl], {}, { NATIVE_BUILDX_WAKE_TIMEOUT: "3" });
        }

        it("knocks with the AWS CLI", async () => {
            expect(await knock("SSL validation failed")).toMatchObject({ stdout: "tcp://203.0.113.9:9753\n" });
            expect(bench().calls.at(-1)).toContain("--no-sign-request");
            expect(bench().calls.some((call) => call.startsWith("curl https://203"))).toBe(false);
        });

        it("tells silence from refusal by its words", async () => {
            const refused = await knock('Could not connect to the endpoint URL: "https://..."');
            expect(refused.stderr).not.toContain("allowedCidrs");
            const silent = await knock('Connect timeout on endpoint URL: "https://..."');
            expect(silent.stderr).toContain("no answer at all from 203.0.113.9:9753: is your address in allowedCidrs?");
        });
    });
});
