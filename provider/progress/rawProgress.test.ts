import { type RawProgress, RawProgressReader } from "./rawProgress";

describe("reading progress", () => {
    const read = (...chunks: (string | Buffer)[]) => {
        const found: RawProgress[] = [];
        const reader = new RawProgressReader((progress) => found.push(progress));
        for (const chunk of chunks) {
            reader.write(Buffer.from(chunk));
        }
        reader.end();
        return { found, text: reader.text() };
    };

    test("lines in pieces, and text between and after them", () => {
        const { found, text } = read('{"logs":[]}\n{"ver', 'texes":[]}\nERROR: no', 't so\n{"broken\n', "Dockerfile:2");
        expect(found).toEqual([{ logs: [] }, { vertexes: [] }]);
        expect(text).toEqual(["ERROR: not so", '{"broken', "Dockerfile:2"]);
    });

    test("a line that is too long is left out, and what follows is read", () => {
        const flood = Array.from({ length: 20 }, () => Buffer.alloc(1e6, "x"));
        const { found, text } = read('{"logs":["', ...flood, '"]}\n', '{"logs":[]}\n');
        expect(found).toEqual([{ logs: [] }]);
        expect(text).toEqual([]);
    });

    test("a line that cannot be taken is left out, and what follows it in its piece is read", () => {
        const taken: RawProgress[] = [];
        const reader = new RawProgressReader((progress) =>
            taken.push(...(progress.vertexes?.map(() => progress) ?? [])),
        );
        reader.write(Buffer.from('{"vertexes":{"new":"form"}}\n{"vertexes":[{"digest":"1"}]}\nERROR: so\n'));
        expect(taken).toEqual([{ vertexes: [{ digest: "1" }] }]);
        expect(reader.text()).toEqual(["ERROR: so"]);
    });

    describe("of a failed step", () => {
        const rule = "--------------------";
        const marked = Array.from({ length: 100 }, (_, at) => ` ${String(at + 4).padStart(3)} | >>>   line ${at} \\`);
        const excerpt = ["Dockerfile:4", rule, "   3 |     COPY . /", ...marked, " 104 |     ", rule];
        const lines = (...all: string[]) => read(all.map((line) => `${line}\n`).join("")).text;

        test("the Dockerfile's line is kept, whatever the step's length and the error's", () => {
            const text = lines("before", ...excerpt, "ERROR: failed", ...Array.from({ length: 100 }, () => "more"));
            expect(text).toEqual(expect.arrayContaining(["Dockerfile:4", marked[0], "ERROR: failed", "more"]));
            expect(text.indexOf("ERROR: failed")).toBeGreaterThan(text.lastIndexOf(rule));
            expect(text.length).toBeLessThan(150);
        });

        test("the middle of the step is left out, and its end is not", () => {
            const text = lines(...excerpt);
            expect(text.slice(0, 4)).toEqual(["Dockerfile:4", rule, "   3 |     COPY . /", marked[0]]);
            expect(text.slice(-4)).toEqual([marked.at(-2), marked.at(-1), " 104 |", rule]);
            expect(text).toContain("     | ...");
            expect(text.length).toBeLessThan(25);
        });

        test("a short one is kept whole", () => {
            const short = ["Dockerfile:4", rule, ...marked.slice(0, 12), rule];
            expect(lines("before", ...short, "ERROR: x")).toEqual(["before", ...short, "ERROR: x"]);
        });

        test("text that only looks like one hides nothing", () => {
            const text = ["at 10.0.0.1:443", rule, "and so on", "ERROR: x"];
            expect(lines(...text).sort()).toEqual([...text].sort());
            expect(lines("Dockerfile:4", rule, "   3 |     COPY . /", "ERROR: x").at(-1)).toBe("ERROR: x");
            expect(lines("Dockerfile:4")).toEqual(["Dockerfile:4"]);
        });

        test("the error's first line is read to its end", () => {
            expect(lines(`ERROR: process "${"x".repeat(5000)}" did not complete: exit code: 137`)[0]).toMatch(/: 137$/);
        });
    });

    test("of much text the last lines are kept", () => {
        const { text } = read(...Array.from({ length: 1000 }, (_, line) => `line ${line}\n`));
        expect(text).toHaveLength(60);
        expect(text.at(-1)).toBe("line 999");
    });
});
