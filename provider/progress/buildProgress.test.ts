import { BuildProgress } from "./buildProgress";

const at = (second: number) => new Date(1e12 + second * 1000).toISOString();
const base64 = (text: string) => Buffer.from(text).toString("base64");
const vertex = (name: string, started?: number, completed?: number, more = {}) => ({
    digest: `sha256:${name}`,
    name,
    ...(started === undefined ? {} : { started: at(started) }),
    ...(completed === undefined ? {} : { completed: at(completed) }),
    ...more,
});

/** A build whose clock the test holds. */
function building(now = 0) {
    const clock = { now };
    const started: string[] = [];
    const progress = new BuildProgress(
        "linux/arm64",
        (step) => started.push(step),
        () => clock.now * 1000,
    );
    return { clock, started, progress, add: (...vertexes: ReturnType<typeof vertex>[]) => progress.add({ vertexes }) };
}

test("each step that starts is told, and neither what BuildKit does for itself nor what is cached", () => {
    const { add, started } = building();
    add(vertex("[internal] load build context", 0, 1), vertex("[build 1/2] RUN a"), vertex("[build 2/2] RUN b"));
    add(vertex("[build 1/2] RUN a", 1, 1, { cached: true }));
    add(vertex("[build 2/2] RUN b", 2));
    add(vertex("[build 2/2] RUN b", 2, 3));
    expect(started).toEqual(["[build 2/2] RUN b"]);
});

test("the status has the step that started last, its seconds and its last line of output", () => {
    const { add, clock, progress } = building();
    expect(progress.status()).toBe("");
    add(vertex("[a 1/1] RUN a", 0), vertex("[b 1/1] RUN b", 0));
    clock.now = 12;
    progress.add({ logs: [{ vertex: "sha256:[b 1/1] RUN b", data: base64("one\n\x1b[31mtwo\r\n") }] });
    expect(progress.status()).toBe("[b 1/1] RUN b 12 s (and 1 more): two");
    add(vertex("[b 1/1] RUN b", 0, 3));
    expect(progress.status()).toBe("[a 1/1] RUN a 12 s");
});

test("the status tells how far a transfer is", () => {
    const { add, clock, progress } = building();
    add(vertex("[internal] load build context", 0));
    const transfer = { id: "transferring context:", vertex: "sha256:[internal] load build context", started: at(0) };
    progress.add({ statuses: [{ ...transfer, current: 12_300_000 }] });
    clock.now = 2;
    expect(progress.status()).toBe("[internal] load build context 2 s: transferring context: 12.3 MB");
});

test("the receipt: compilers that steps say they emulated, once", () => {
    const { add, progress } = building();
    add(vertex("[a 1/1] RUN a", 0), vertex("[b 1/1] RUN b", 0));
    const said = (compilers: string) =>
        `native-buildx: no native compiler is known for ${compilers}: emulated, see docs\n`;
    progress.add({
        logs: [{ vertex: "sha256:[a 1/1] RUN a", stream: 2, data: base64(`done${said("cc1 (0a), as (0b)")}`) }],
    });
    progress.add({ logs: [{ vertex: "sha256:[b 1/1] RUN b", stream: 2, data: base64(said("as (0b)")) }] });
    expect(progress.receipt(1).emulated).toEqual(["as (0b)", "cc1 (0a)"]);
    expect(building().progress.receipt(1)).not.toHaveProperty("emulated");
});

test("the receipt: what was sent, run, cached, made and pushed, and the slowest step", () => {
    const { add, clock, progress } = building();
    clock.now = 12;
    const exporting = "sha256:exporting to image";
    add(
        vertex("[internal] load build context", 1, 3),
        vertex("[internal] load metadata for x", 1, 9),
        vertex("[2/3] COPY . /", 3, 3, { cached: true }),
        vertex("[3/3] RUN make", 3.5, 8),
        vertex("[1/3] FROM x", 3, 4),
        vertex("exporting to image", 8, 12),
        vertex("[4/3] never run"),
    );
    progress.add({
        statuses: [
            { id: "transferring context:", vertex: "sha256:[internal] load build context", current: 10 },
            { id: "transferring context:", vertex: "sha256:[internal] load build context", current: 70 },
            { id: "exporting layers", vertex: exporting, started: at(8), completed: at(9) },
            { id: "pushing layers", vertex: exporting, started: at(9), completed: at(11) },
            { id: "pushing manifest for x", vertex: exporting, started: at(10), completed: at(11.5) },
        ],
    });
    expect(progress.receipt(12.3456)).toEqual({
        platform: "linux/arm64",
        runner: "",
        began: "",
        waking: 0,
        sending: { seconds: 2, bytes: 70 },
        parts: [
            { kind: "context", name: "[internal] load build context", start: 0, seconds: 2, cached: false },
            { kind: "step", name: "[1/3] FROM x", start: 2, seconds: 1, cached: false },
            { kind: "step", name: "[2/3] COPY . /", start: 2, seconds: 0, cached: true },
            { kind: "step", name: "[3/3] RUN make", start: 2.5, seconds: 4.5, cached: false },
            { kind: "export", name: "exporting to image", start: 7, seconds: 1, cached: false },
            { kind: "push", name: "pushing", start: 8, seconds: 2.5, cached: false },
        ],
        pushing: 2.5,
        total: 12.35,
        cached: 1,
        all: 3,
        slowest: { name: "[3/3] RUN make", seconds: 4.5 },
    });
});

describe("a step that another build began is in the receipt from this build's first step on", () => {
    const base = "[context base] docker-image://r/base";

    test.each([
        ["after a step of this build's own", 0],
        // buildx takes its start for now, and what follows for as much later.
        ["first", 6],
    ])("where it is told %s", (_when, late) => {
        const { add, clock, progress } = building(1e9 + 999);
        const told = [vertex("[internal] load build definition", 1e3 + late), vertex(base, 1e3 - 6 + late)];
        clock.now = 1e9 + 1e3;
        add(...(late ? told.reverse() : told));
        add(
            vertex("[internal] load build definition", 1e3 + late, 1e3 + late + 0.5),
            vertex(base, 994 + late, 1e3 + late + 1),
        );
        add(vertex("[context more] docker-image://r/more", 990 + late, 995 + late));
        clock.now += 1;
        add(vertex("[1/1] RUN make", 1e3 + late + 1));
        clock.now += 1;
        add(vertex("[1/1] RUN make", 1e3 + late + 1, 1e3 + late + 2));
        const { parts } = progress.receipt(2);
        expect(parts).toEqual([
            { kind: "pull", name: base, start: 0, seconds: 1, cached: false },
            { kind: "pull", name: "[context more] docker-image://r/more", start: 0, seconds: 0, cached: false },
            { kind: "context", name: "[internal] load build definition", start: 0, seconds: 0.5, cached: false },
            { kind: "step", name: "[1/1] RUN make", start: 1, seconds: 1, cached: false },
        ]);
    });
});

describe("a context that the runner fetches", () => {
    const git = "[internal] load git source https://me:word@host/repo.git#main";
    const shown = "[internal] load git source https://***@host/repo.git#main";

    test("is told when it is fetched, once, and without a password", () => {
        const { add, started } = building();
        add(vertex(git, 0));
        add(vertex(git, 0, 6), vertex(git, 6, 6, { cached: true }));
        expect(started).toEqual([shown]);
    });

    test("is in the receipt with what both its fetches took, whenever it is told again", () => {
        const { add, clock, progress } = building();
        const said = (second: number, ...vertexes: ReturnType<typeof vertex>[]) => {
            clock.now = 1e9 + second;
            add(...vertexes);
        };
        // For the Dockerfile, and told again with buildx's times.
        said(0, vertex(git, 0));
        said(6, vertex(git, 0, 6));
        said(6, vertex(git, 1, 7));
        // For the build, whose times are later by 6 s from there on.
        said(8, vertex(git, 8));
        said(10, vertex(git, 8, 10));
        said(10, vertex(git, 14, 16), vertex(git, 16, 16, { cached: true }));
        said(10, vertex("[1/1] RUN make", 16));
        said(13, vertex("[1/1] RUN make", 16, 19));
        const { parts, sending } = progress.receipt(13);
        expect(parts).toEqual([
            { kind: "context", name: shown, start: 0, seconds: 8, cached: false },
            { kind: "step", name: "[1/1] RUN make", start: 10, seconds: 3, cached: false },
        ]);
        expect(sending).toEqual({ seconds: 8, bytes: 0 });
    });

    test("is not waited for: it says nothing of what is sent from here", () => {
        const { add, progress } = building();
        add(vertex("[internal] load build context", 0, 2), vertex(git, 0, 1, { error: "exit status 128" }));
        expect(progress.contextsArrived()).toBe(true);
    });
});

test("the contexts have arrived when all that began to be sent was sent to its end", () => {
    const { add, progress } = building();
    expect(progress.contextsArrived()).toBe(true);
    add(vertex("[internal] load build context", 0), vertex("[context more] load from client"));
    expect(progress.contextsArrived()).toBe(false);
    add(vertex("[internal] load build context", 0, 2), vertex("[1/1] RUN x", 2, 3, { error: "exit code: 1" }));
    expect(progress.contextsArrived()).toBe(true);
    add(vertex("[context more] load from client", 2, 3, { error: "context canceled" }));
    expect(progress.contextsArrived()).toBe(false);
});

test("a warning that comes again is one", () => {
    const { progress } = building();
    const warning = {
        vertex: "v",
        short: base64("FromAsCasing: 'as' and 'FROM' differ (line 3)"),
        url: "https://docs.docker.com/go/x",
        sourceInfo: { filename: "Dockerfile", data: base64("FROM x as y") },
        range: [{ start: { line: 3 } }],
    };
    progress.add({ warnings: [warning, { ...warning, vertex: "w" }] });
    const text = "Dockerfile:3: FromAsCasing: 'as' and 'FROM' differ";
    expect(progress.warnings()).toMatchObject([{ text, rule: "FromAsCasing", line: 3, dockerfile: "FROM x as y" }]);
});

test("of many warnings those about a base's architecture are kept", () => {
    const { progress } = building();
    const warning = (rule: string, line: number) => ({
        vertex: "v",
        short: base64(`${rule}: x (line ${line})`),
        range: [{ start: { line } }],
    });
    progress.add({ warnings: Array.from({ length: 1000 }, (_, line) => warning("FromAsCasing", line + 1)) });
    progress.add({
        warnings: Array.from({ length: 1000 }, (_, line) => warning("InvalidBaseImagePlatform", line + 1)),
    });
    const kept = (rule: string) => progress.warnings().filter((found) => found.rule === rule).length;
    expect(kept("InvalidBaseImagePlatform")).toBe(200);
    expect(kept("FromAsCasing")).toBe(200);
});

test("what BuildKit leaves out because it is empty is missed by nobody", () => {
    const { progress } = building();
    progress.add({
        vertexes: [{ digest: "1", started: at(0), error: "failed" }],
        statuses: [{ id: "", vertex: "1" }],
        logs: [{ vertex: "1" }],
        warnings: [{ vertex: "1" }, { vertex: "1", short: base64("Rule: said") }],
    });
    expect(progress.failures()).toMatchObject([{ name: "a step without a name", error: "failed" }]);
    expect(progress.warnings()).toMatchObject([{ text: "Rule: said" }]);
    expect(progress.status()).toBe("a step without a name 0 s");
});
