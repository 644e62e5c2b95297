import { find } from "../../tests/helpers/find";
import { histories } from "../../tests/helpers/histories";
import { shells, Workbench } from "../../tests/helpers/workbench";

describe.each(shells)("the idle rule in %s", (shellName, shell) => {
    const installed = find(shell[0] ?? "") !== undefined;
    const it = installed ? test : test.skip;
    if (!installed) {
        test.skip(`needs ${shellName}, which is not installed`, () => undefined);
    }
    let bench: Workbench;
    beforeEach(() => {
        bench = new Workbench();
        bench.stub("buildctl", '[ -e "$bench/histories" ] || exit 1\ncat "$bench/histories"');
    });
    afterEach(() => bench.dispose());

    /** @param started seconds ago */
    async function isIdle(table: string | undefined, idleSeconds: number | "", started: number): Promise<boolean> {
        if (table !== undefined) {
            bench.write("histories", table);
        }
        const at = Math.floor(Date.now() / 1000) - started;
        const main = bench.write("main.sh", `idle_seconds=${idleSeconds}\n. '${__dirname}/idle.sh'\nis_idle ${at}\n`);
        const { status, stdout } = await bench.run([...shell, main], { env: { TZ: "Asia/Tokyo" } });
        expect(stdout).toBe("");
        return status === 0;
    }
    const hour = 3600;

    it.each<[string, string | undefined, number, number, boolean]>([
        ["no build ever, started long ago", histories(), hour, 2 * hour, true],
        ["no build ever, just started", histories(), hour, 10, false],
        ["a build that runs, begun long ago", histories("running"), hour, 2 * hour, false],
        ["a build that ended long ago", histories(2 * hour), hour, 3 * hour, true],
        ["a build that ended just now", histories(10), hour, 3 * hour, false],
        ["one that ended long ago, but just asked for", histories(2 * hour), hour, 10, false],
        ["several that ended long ago", histories(3 * hour, 2 * hour), hour, 4 * hour, true],
        ["several, the first just now", histories(10, 2 * hour), hour, 4 * hour, false],
        ["several, the last just now", histories(2 * hour, 10), hour, 4 * hour, false],
        ["several that ended, and one that runs", histories(2 * hour, "running", 2 * hour), hour, 4 * hour, false],
        ["a daemon that does not answer", undefined, hour, 2 * hour, false],
        ["a row that it does not know", `${histories()}SOMETHING new\n`, hour, 2 * hour, false],
        ["never idle", histories(2 * hour), 0, 3 * hour, false],
    ])("%s", async (_what, table, idleSeconds, started, idle) => {
        expect(await isIdle(table, idleSeconds, started)).toBe(idle);
    });

    it.each([
        ["has helped since the last look", [0, 7], false],
        ["has helped before its first look", [7], false],
        ["only waits", [0, 0], true],
        ["has a node that began anew, and only waits", [0], true],
        ["has a node that says nothing", ["", "no such file"], true],
    ])("a runner in a compile cluster that %s", async (_what, looks, idle) => {
        bench.write("histories", histories(2 * hour));
        const notes = looks.map((number) => `note_help '${number}'`).join("\n");
        const main = `idle_seconds=${hour}\n. '${__dirname}/idle.sh'\n${notes}\nis_idle 0\n`;
        expect((await bench.run([...shell, bench.write("main.sh", main)])).status === 0).toBe(idle);
    });

    it("a runner that helped, and whose node counts from the beginning again, is idle in its time", async () => {
        bench.write("histories", histories(2 * hour));
        const looks = `note_help 7\nhelped_at=1\nnote_help 0\nnote_help 0`;
        const main = `idle_seconds=${hour}\n. '${__dirname}/idle.sh'\n${looks}\nis_idle 0\n`;
        expect((await bench.run([...shell, bench.write("main.sh", main)])).status).toBe(0);
    });

    it("does without asking the daemon when it cannot be idle yet", async () => {
        await isIdle(histories(), hour, 10);
        await isIdle(histories(), 0, 2 * hour);
        expect(bench.calls).toEqual([]);
    });

    it("refuses to guess how long", async () => {
        expect(await isIdle(histories(), "", 2 * hour)).toBe(false);
    });
});
