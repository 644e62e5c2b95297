import { shells } from "../../../tests/helpers/workbench";
import {
    noCapacity,
    pending,
    running,
    type Scene,
    stopped,
    stoppedItself,
    stopping,
    terminated,
    wakeBenchForEach,
} from "./wakeEc2Bench";

describe.each(shells)("EC2 runners in %s", (_name, shell) => {
    const bench = wakeBenchForEach(shell);
    const wake = (scene: Scene) => bench().wake(scene);

    it("finds a serving runner without a word", async () => {
        const result = await wake({ states: { "i-0a": [running] } });
        expect(result).toEqual({ status: 0, stdout: "tcp://203.0.113.9:9753\n", stderr: "" });
        expect(bench().starts).toEqual([]);
    });

    it("starts a stopped one, and says so while it waits", async () => {
        const result = await wake({
            states: { "i-0a": [stopped, stopped, pending, running] },
            starts: { "i-0a": ["ok"] },
            knocks: [28, 7, 7, 7, 7, 7, 56],
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(result.status).toBe(0);
        expect(result.stderr).toMatch(
            /^arm64 runner i-0a: starting \.\.\.\narm64 runner i-0a: running, waiting until it serves \.\.\.\narm64 runner i-0a: serving after \d+ s\n$/,
        );
        expect(bench().starts).toHaveLength(1);
    });

    it("waits for one that is stopping, and starts it then", async () => {
        const result = await wake({
            states: { "i-0a": [stopping, stopping, stopped, running] },
            starts: { "i-0a": ["ok"] },
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(result.stderr).toContain("is stopping, starting it again after that");
    });

    it("starts again when EC2 answers IncorrectInstanceState", async () => {
        const result = await wake({
            states: { "i-0a": [stopped, stopping, stopped, running] },
            starts: { "i-0a": ["IncorrectInstanceState", "ok"] },
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(bench().starts).toHaveLength(2);
    });

    it("waits for one that is pending, started by somebody else", async () => {
        const result = await wake({ states: { "i-0a": [pending, pending, running] } });
        expect(result.status).toBe(0);
        expect(bench().starts).toEqual([]);
    });

    it("follows one whose port is closed because it is just going to stop", async () => {
        const result = await wake({
            states: { "i-0a": [running, running, stopping, stopped, pending, running] },
            starts: { "i-0a": ["ok"] },
            knocks: [...Array(12).fill(7), 56],
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(bench().starts).toHaveLength(1);
    });

    it("prints EC2's reason when a start falls back to stopped", async () => {
        const result = await wake({
            states: {
                "i-0a": [
                    stopped,
                    pending,
                    "stopped None 10.0.0.9 Client.InternalError Client.InternalError:_Client_error_on_launch",
                ],
            },
            starts: { "i-0a": ["ok"] },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("stopped again: Client.InternalError: Client error on launch");
        expect(result.stderr).toContain("get-console-output");
    });

    it("starts a runner once more that was idle again before we saw it serve, and no more than once", async () => {
        const states = [stopped, pending, stoppedItself, pending];
        const slow = await wake({ states: { "i-0a": [...states, running] }, starts: { "i-0a": ["ok"] } });
        expect(slow).toMatchObject({ status: 0, stdout: "tcp://203.0.113.9:9753\n" });
        expect(slow.stderr).toContain("arm64 runner i-0a: has stopped itself: starting it once more\n");
        expect(bench().starts).toHaveLength(2);

        const other = "stopped None 10.0.0.9 Client.InstanceInitiatedShutdown once_more";
        const broken = await wake({ states: { "i-0a": [...states, other] }, starts: { "i-0a": ["ok"] } });
        expect(broken).toMatchObject({ status: 1, stdout: "" });
        expect(broken.stderr).toContain("was started and stopped again: once more. What it says: aws ec2 get-console");
        expect(bench().starts).toHaveLength(4);
    });

    it.each([
        ["terminated", { "i-0a": [terminated] }],
        ["missing", {}],
    ])("names the remedy for one that is %s", async (_state, states: Scene["states"]) => {
        const result = await wake({ states });
        expect(result.status).toBe(1);
        expect(result.stdout).toBe("");
        expect(result.stderr).toContain("pulumi up --refresh");
    });

    it("goes down the list of stand-ins when there is no capacity", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0b": [stopped, pending, noCapacity], "i-0c": [stopped, running] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0b": ["ok"], "i-0c": ["ok"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge i-0c:r7g.xlarge" },
        });
        expect(result.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(result.stderr).toContain("arm64 runner i-0a: no capacity for c7g.xlarge");
        expect(result.stderr).toContain("arm64 runner i-0b: trying this stand-in, m7g.xlarge");
        expect(result.stderr).toContain(
            "arm64 runner i-0c: WARNING: stand-in r7g.xlarge serves: tried c7g.xlarge (i-0a), m7g.xlarge (i-0b)\n",
        );
        expect(result.stderr).toContain(
            "arm64 runner i-0b: no capacity for m7g.xlarge: Server.InsufficientInstanceCapacity: none left",
        );
    });

    it.each<[string, Scene["states"]]>([
        ["terminated", { "i-0a": [terminated] }],
        ["missing", {}],
    ])(
        "takes a stand-in for one that is %s, as one whose replacement EC2 had no capacity for, and says so",
        async (_state, states) => {
            const result = await wake({
                states: { ...states, "i-0b": [running] },
                changes: { fallbacks_arm64: "i-0b:m7g.xlarge" },
            });
            expect(result).toMatchObject({ status: 0, stdout: "tcp://203.0.113.9:9753\n" });
            expect(result.stderr).toMatch(/arm64 runner i-0a: .*\. If somebody deleted it: pulumi up --refresh/);
            expect(result.stderr).toContain("arm64 runner i-0b: trying this stand-in, m7g.xlarge");
        },
    );

    it("emulates for one that is gone, and says so", async () => {
        const result = await wake({
            states: { "i-0a": [terminated], "i-0x": [running] },
            changes: { emulate_on_arm64: "amd64" },
        });
        expect(result).toMatchObject({ status: 0, stdout: "tcp://203.0.113.9:9753\n" });
        expect(result.stderr).toContain("WARNING: no capacity: tried c7g.xlarge (i-0a, gone).");
        expect(result.stderr).toContain("WARNING: arm64 will be EMULATED on the amd64 runner");
    });

    it("fails with what was tried when nothing is left", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0b": [stopped] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0b": ["VcpuLimitExceeded"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("tried c7g.xlarge (i-0a), m7g.xlarge (i-0b)");
    });

    it("emulates on the other runner, loudly, where that is wanted", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0x": [stopped, running.replace("203.0.113.9", "203.0.113.10")] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0x": ["ok"] },
            changes: { emulate_on_arm64: "amd64" },
        });
        expect(result.stdout).toBe("tcp://203.0.113.10:9753\n");
        expect(result.stderr).toContain("WARNING: arm64 will be EMULATED on the amd64 runner");
    });

    it("does not emulate in a circle", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0x": [stopped] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0x": ["InsufficientInstanceCapacity"] },
            changes: { emulate_on_arm64: "amd64" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("nor can the amd64 runner emulate it");
        expect(bench().starts).toHaveLength(2);
    });

    it("says only what is wrong where the runner that is to emulate fails for another reason", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0x": [stopped] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"], "i-0x": ["UnauthorizedOperation"] },
            changes: { emulate_on_arm64: "amd64" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toMatch(/\namd64 runner i-0x: cannot be started: An error .*UnauthorizedOperation.*\n$/);
    });

    it("does not hide other trouble behind a stand-in", async () => {
        const result = await wake({
            states: { "i-0a": [stopped], "i-0b": [running] },
            starts: { "i-0a": ["UnauthorizedOperation"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge", emulate_on_arm64: "amd64" },
        });
        expect(result.status).toBe(1);
        expect(result.stderr).toContain("cannot be started: An error occurred (UnauthorizedOperation)");
    });

    it("gets over a throttled call, and gives up on a refused one", async () => {
        const passing = await wake({
            states: { "i-0a": [...Array<string>(7).fill("error:RequestLimitExceeded"), running] },
        });
        expect(passing.stdout).toBe("tcp://203.0.113.9:9753\n");
        expect(passing.stderr).toContain("waiting: AWS has more calls than it answers");
        const refused = await wake({ states: { "i-0a": ["error:AuthFailure", running] } });
        expect(refused.status).toBe(1);
        expect(refused.stderr).toContain("cannot ask for its state: An error occurred (AuthFailure)");
    });

    it.each(["RequestLimitExceeded", "InternalError", "Unavailable"])(
        "gets over a start that AWS refuses for now by %s: somebody else may have started it",
        async (code) => {
            const again = await wake({
                states: { "i-0a": [stopped, stopped, pending, running] },
                starts: { "i-0a": [code, "ok"] },
            });
            expect(again).toMatchObject({ status: 0, stdout: "tcp://203.0.113.9:9753\n" });
            expect(bench().starts).toHaveLength(2);
            const others = await wake({ states: { "i-0a": [stopped, running] }, starts: { "i-0a": [code] } });
            expect(others).toMatchObject({ status: 0, stdout: "tcp://203.0.113.9:9753\n" });
        },
    );

    it("names the key of its volumes where the machine cannot use it", async () => {
        const refused = "stopped None 10.0.0.9 Client.InternalError Client.InternalError:_Client_error_on_launch";
        const result = await wake({ states: { "i-0a": [stopped, pending, refused] }, starts: { "i-0a": ["ok"] } });
        expect(result.status).toBe(1);
        expect(result.stderr).toMatch(/Client error on launch\. .* no kms:CreateGrant .*: set kmsKeyArn to that key/);
    });

    it("uses the private address where that is wanted", async () => {
        const result = await wake({ states: { "i-0a": [running] }, changes: { address_arm64: "private" } });
        expect(result.stdout).toBe("tcp://10.0.0.9:9753\n");
    });

    it("gives up after its time limit, and says where to look", async () => {
        const result = await wake({ states: { "i-0a": [running] }, knocks: [7], timeout: 3 });
        expect(result.status).toBe(1);
        expect(result.stderr).toMatch(/does not serve after \d+ s \(state running\).*get-console-output/);
    });
});
