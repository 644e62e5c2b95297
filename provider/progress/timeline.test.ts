import type { Receipt } from "./receipt";
import { renderTimeline } from "./timeline";

const receipt = (platform: string, waking: number, cached: boolean): Receipt => ({
    platform,
    runner: platform.replace("linux/", ""),
    began: "",
    waking,
    sending: { seconds: 1, bytes: 5 },
    parts: [
        { kind: "context", name: "[internal] load build definition", start: 0, seconds: 0.1, cached: false },
        { kind: "context", name: "[internal] load build context", start: 0, seconds: 1, cached: false },
        { kind: "step", name: '[build 1/1] RUN echo "<a & b>"', start: 1, seconds: cached ? 0 : 30, cached },
        { kind: "push", name: "pushing", start: 31, seconds: 2, cached: false },
    ],
    pushing: 2,
    total: 33.4,
    cached: cached ? 1 : 0,
    all: 1,
    ...(cached ? {} : { slowest: { name: "[build 1/1]", seconds: 30 } }),
});
const receipts = {
    app: { "linux/amd64": receipt("linux/amd64", 0, true), "linux/arm64": receipt("linux/arm64", 20, false) },
};

test("a row a step, once for all platforms, and what each took", () => {
    const svg = renderTimeline(receipts);
    expect(svg.match(/>\[build 1\/1\] RUN echo &quot;&lt;a &amp; b&gt;&quot;<\/text>/g)).toHaveLength(1);
    expect(svg.match(/>getting the context<\/text>/g)).toHaveLength(2); // in the legend, and the row
    expect(svg).toContain(">linux/amd64  \u00b7  33 s  \u00b7  1/1 cached<");
    expect(svg).toContain(">linux/arm64  \u00b7  53 s  \u00b7  0/1 cached  \u00b7  slowest 30 s<");
    expect(svg).toContain(">cached</text>");
});

test("platforms have one scale, and nothing is out of the picture", () => {
    const svg = renderTimeline(receipts);
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="14" rx="2" fill="(#\w+)"/g)];
    const step = bars.filter(([, , , colour]) => colour === "#3973c6").map(([, , wide]) => Number(wide));
    const pushes = bars.filter(([, , , colour]) => colour === "#4f9d58").map(([, , wide]) => Number(wide));
    expect(step).toHaveLength(1);
    expect(pushes[0]).toBe(pushes[1]);
    expect((step[0] ?? 0) / (pushes[0] ?? 1)).toBeCloseTo(15, 0);
    expect(Math.max(...bars.map(([, x, wide]) => Number(x) + Number(wide)))).toBeLessThan(width);
});

test.each([
    ["no platform", {}],
    ["one platform", { app: { "linux/arm64": receipt("linux/arm64", 20, false) } }],
    ["two platforms", receipts],
])("the legend is in the picture of %s", (_what, drawn) => {
    const svg = renderTimeline(drawn);
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    const entries = [...svg.matchAll(/<text x="([\d.]+)" y="30" [^>]*>([^<]*)</g)];
    expect(entries).toHaveLength(8);
    // As wide as DejaVu Sans is on the average at this size.
    expect(Math.max(...entries.map(([, x, label = ""]) => Number(x) + label.length * 6.6))).toBeLessThan(width);
});

test("a step that names the architecture, or a base by its digest, is one row", () => {
    const part = (kind: "pull" | "step", name: string) => ({ kind, name, start: 1, seconds: 2, cached: false });
    const of = (arch: string, digest: string, more: ReturnType<typeof part>[] = []) => ({
        ...receipt(`linux/${arch}`, 0, false),
        parts: [
            part("pull", `[context base] docker-image://r/base@sha256:${digest}`),
            part("step", `[build 1/2] RUN make ARCHITECTURE=${arch} -j2`),
            part("step", "[build 2/2] COPY . /"),
            ...more,
        ],
    });
    const both = {
        app: { "linux/amd64": of("amd64", "1a"), "linux/arm64": of("arm64", "2b", [part("step", "[b 1/1] RUN x")]) },
    };
    const labels = [...renderTimeline(both).matchAll(/fill="#222222" >([^<]*)<\/text>/g)].map(([, label]) => label);
    expect(labels).toEqual([
        "[context base] docker-image://r/base@sha256:\u2026",
        "[build 1/2] RUN make ARCHITECTURE=\u2026 -j2",
        "[build 2/2] COPY . /",
        "[b 1/1] RUN x",
    ]);
});

test("a part that comes twice in one build has two rows", () => {
    const twice = receipt("linux/amd64", 0, false);
    twice.parts.push({
        kind: "cache",
        name: "importing cache manifest from r/a:1",
        start: 0,
        seconds: 1,
        cached: false,
    });
    twice.parts.push({
        kind: "cache",
        name: "importing cache manifest from r/a:2",
        start: 0,
        seconds: 1,
        cached: false,
    });
    const svg = renderTimeline({ app: { "linux/amd64": twice } });
    expect(svg.match(/fill="#222222" >importing cache manifest from r\/a:[12]</g)).toHaveLength(2);
});

test("no builds", () => {
    expect(renderTimeline({})).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
});
