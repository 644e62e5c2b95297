import type { Waking } from "../buildx/connectScript";
import { wakeHelpers } from "./wakeHelpers";

describe("the runners that are to compile for a build", () => {
    const helpers = ["amd64_2", "arm64"].map((runner) => ({ runner, builder: `demo-${runner}` }));
    const said: string[] = [];
    const log = (severity: string, text: string) => said.push(`${severity}: ${text}`);
    beforeEach(() => said.splice(0));

    it("are woken side by side, and one that cannot be is named: the build goes on", async () => {
        const woken: string[] = [];
        const connect = async (script: string, { builder, runner, asked }: Waking) => {
            woken.push(`${script} ${builder} ${runner} ${asked}`);
            if (runner === "arm64") {
                throw new Error("no capacity");
            }
            return { seconds: 1 };
        };
        await wakeHelpers({ connect }, { connect: "SCRIPT", helpers }, { signal: new AbortController().signal, log });
        expect(woken).toEqual(["SCRIPT demo-amd64_2 amd64_2 0", "SCRIPT demo-arm64 arm64 0"]);
        expect(said).toEqual([
            "warning: runner arm64 could not be woken, and does not compile for this build: no capacity",
        ]);
    });

    it("take no time where there are none", async () => {
        const connect = () => Promise.reject(new Error("nobody is to be woken"));
        const { signal } = new AbortController();
        expect(await wakeHelpers({ connect }, { connect: "SCRIPT" }, { signal, log })).toBe(0);
    });

    it("are nobody's matter any more when the build is canceled", async () => {
        const connect = async () => {
            throw new Error("canceled");
        };
        await wakeHelpers({ connect }, { connect: "SCRIPT", helpers }, { signal: AbortSignal.abort(), log });
        expect(said).toEqual([]);
    });
});
