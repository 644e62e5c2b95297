import * as path from "node:path";
import { Workbench } from "../../../tests/helpers/workbench";
import { allShells } from "./connectBench";

describe.each(allShells)("a command with a time limit in %s", (_name, shell) => {
    const bench = new Workbench();
    afterAll(() => bench.dispose());

    /** With the traps of connect.sh. */
    const run = (words: string) => {
        const traps = `work='${bench.path("work")}'; mkdir -p "$work"; trap 'rm -rf "$work"' EXIT; trap 'exit 143' TERM`;
        return bench.run([...shell, "-c", `${traps}; . '${path.join(__dirname, "inTime.sh")}'; ${words}`]);
    };

    it("has its own status, or 124 where it takes longer", async () => {
        const words = "in_time 5 sh -c 'exit 7'; echo $?; in_time 1 sleep 30; echo $?; in_time 5 true; echo $?";
        expect(await run(words)).toMatchObject({ status: 0, stdout: "7\n124\n0\n" });
    });

    it("runs no trap where it ends at once", async () => {
        const words = 'for time in 1 2 3 4 5 6 7 8 9 10; do in_time 5 true; [ -d "$work" ] || exit 1; done';
        expect(await run(words)).toEqual({ status: 0, stdout: "", stderr: "" });
    });
});
