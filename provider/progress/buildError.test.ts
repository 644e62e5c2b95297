import { buildError } from "./buildError";
import { BuildProgress } from "./buildProgress";
import { BuildxText } from "./buildxText";

const ended = (...text: string[]) => ({ code: 1, signal: null, text });
const step = {
    name: "[2/3] RUN make",
    error: "process did not complete: exit code: 2",
    seconds: 31.4,
    lines: ["one", "two"],
};

const metadata = "r/x:1: failed to resolve source metadata for r/x:1";
const head = `${metadata}: failed to do request: Head "https://r/v2/x/manifests/1"`;

test("a step that failed", () => {
    const text = [
        ...["Dockerfile:9", "--------------------", "   8 |     FROM x", "   9 | >>> RUN make", "  10 |     "],
        ...["--------------------", "ERROR: failed to build: failed to solve: process did not complete: exit code: 2"],
    ];
    expect(buildError(ended(...text), [step])).toBe(
        [
            "[2/3] RUN make failed after 31 s: process did not complete: exit code: 2",
            "    one",
            "    two",
            "Dockerfile:9",
            "   8 |     FROM x",
            "   9 | >>> RUN make",
        ].join("\n"),
    );
});

test("of several steps the one that buildx ended with, not those that were ended because of it", () => {
    const locked = { ...step, name: "[context base] load metadata", error: "ref x locked for 3ms: unavailable" };
    const end = ended("ERROR: failed to build: failed to solve: process did not complete: exit code: 2");
    expect(buildError(end, [locked, step])).toMatch(/^\[2\/3\] RUN make failed/);
    const canceled = { ...step, name: "other", error: "context canceled" };
    expect(buildError(ended("ERROR: something else"), [canceled, step])).toMatch(/^\[2\/3\] RUN make failed/);
});

test("a cause that is none of a step is said, and not a step that was canceled because of it", () => {
    const canceled = { ...step, name: "[context base] load metadata", error: `${metadata}: context canceled` };
    const cause = 'failed to parse stage name "My.Files": invalid reference format';
    expect(buildError(ended(`ERROR: failed to build: failed to solve: ${cause}`), [canceled])).toBe(cause);
    const unknown = ended("ERROR: failed to build: failed to solve: Canceled: grpc: the client is closing");
    expect(buildError(unknown, [canceled])).toMatch(/^\[context base\] load metadata failed/);
});

test("no secret is shown, wherever an error is cut off", () => {
    const secret = "S3KRET".repeat(100);
    const hide = (text: string) => text.replaceAll(secret, "[secret]");
    const reader = new BuildProgress("linux/amd64", undefined, undefined, hide);
    const error = `${"x".repeat(190)}${secret}${"y".repeat(500)}`;
    const logs = [{ vertex: "1", data: Buffer.from(`${error}\n`).toString("base64") }];
    const short = Buffer.from(`Rule: ${error}`).toString("base64");
    const id = `pushing ${error}`;
    reader.add({
        vertexes: [{ digest: "1", name: `[1/1] ADD ${error}`, started: "2026-01-01T00:00:00Z", error }],
        statuses: [{ vertex: "1", id, started: "2026-01-01T00:00:00Z" }],
        warnings: [{ vertex: "1", short }],
    });
    const shown = [reader.status()];
    reader.add({ logs });
    const text = new BuildxText(hide);
    for (const line of [error, `ERROR: ${error}`, error]) {
        text.write(Buffer.from(line));
    }
    shown.push(buildError(ended(...text.all()), reader.failures()), buildError(ended(...text.all()), []));
    shown.push(...text.all(), reader.status(), JSON.stringify([reader.receipt(1), reader.warnings()]));
    for (const one of shown) {
        expect(one).toContain("[secret]");
        expect(one).not.toContain("S3K");
    }
});

test("no login is shown of an address, wherever an error is cut off", () => {
    const address = "http://me:S3KRET@host/a?sig=S3KRET";
    const reader = new BuildProgress("linux/amd64");
    for (const length of [0, 100, 170, 180, 190, 380, 1000]) {
        const error = `${"x".repeat(length)} ${address}: ${"y".repeat(length)} refused`;
        const text = new BuildxText();
        text.write(Buffer.from(`ERROR: failed to build: failed to solve: ${error}`));
        reader.add({
            vertexes: [{ digest: `${length}`, name: `[1/1] ADD ${error}`, started: "2026-01-01T00:00:00Z", error }],
        });
        for (const failures of [reader.failures(), []]) {
            const message = buildError(ended(...text.all()), failures);
            expect(message).toContain("refused");
            expect(message).not.toMatch(/S3K|me:/);
        }
    }
    expect(JSON.stringify(reader.receipt(1))).toContain("ADD  http://***@host/a?sig=***: ");
    expect(`${JSON.stringify(reader.receipt(1))} ${reader.status()}`).not.toMatch(/S3K|me:/);
});

describe("a step whose error has a long command in it", () => {
    const long = `process "/bin/sh -c ${"make x && ".repeat(60)}true" did not complete successfully: exit code: 137`;
    const error = `ERROR: failed to build: failed to solve: ${long}`;

    test("is shown with its end, which the command is left out of", () => {
        const lines = buildError(ended(error), [{ ...step, error: long }]).split("\n");
        expect(lines[0]).toBe(
            "[2/3] RUN make failed after 31 s: process did not complete successfully: exit code: 137",
        );
        expect(lines.at(-1)).toMatch(/was killed \(137\), as a rule because it ran out of memory/);
    });

    test("is shown with both ends where the step is not known", () => {
        const [said = "", meaning] = buildError(ended(error), []).split("\n");
        expect(said).toMatch(/^process "\/bin\/sh -c make .* \.\.\. .*did not complete successfully: exit code: 137$/);
        expect(said.length).toBeLessThan(450);
        expect(meaning).toMatch(/ran out of memory/);
    });

    test("is the cause, and not the step that was canceled because of it and begins with the same words", () => {
        const canceled = { ...step, name: "other", error: long.replace(/exit code.*/, "context canceled") };
        expect(buildError(ended(error), [canceled, { ...step, error: long }])).toMatch(/^\[2\/3\] RUN make failed/);
    });
});

test.each([
    'process "/step fail dbus-run-session not found" did not complete successfully: exit code: 1',
    'process "/bin/sh -c echo \\"unknown flag\\" did not complete successfully: exit code: 137" did not complete successfully: exit code: 2',
    "dockerfile parse error on line 2: unknown flag: intervall (did you mean interval?)",
    'failed to calculate checksum of ref x::y: "/no space left on device": not found',
])("what a user wrote is not taken for the cause: %s", (error) => {
    const name = "[2/3] RUN curl https://r.example/ || echo 403 denied";
    const login = { registry: "r.example", remedy: "Look at registryToken." };
    for (const failures of [[], [{ ...step, name, error }]]) {
        const message = buildError(ended(`ERROR: failed to build: failed to solve: ${error}`), failures, { login });
        expect(message).not.toMatch(
            /connection to the runner|does not know an option|ran out|disk is full|registryToken/,
        );
    }
});

test("an error that is longer than what is shown is understood by its end, and shown with it", () => {
    const error = `failed to push r/a:1: failed to authorize: GET https://auth/?scope=${"x".repeat(500)}: 401 Unauthorized`;
    const message = buildError(ended(`ERROR: failed to build: failed to solve: ${error}`), [{ ...step, error }]);
    expect(message).toMatch(
        /^\[2\/3\] RUN make failed after 31 s: failed to push r\/a:1: .{200,400}: 401 Unauthorized\n/,
    );
    expect(message).toContain("The registry refused the push");
});

test("an error of no step", () => {
    expect(buildError(ended("ERROR: failed to build: invalid tag", "more of it"), [])).toBe("invalid tag\nmore of it");
});

test.each([
    ["failed to push r/a:1: unexpected status from PUT request to https://r/v2/: 401 Unauthorized", "refused the push"],
    ["failed to push r/a:1: denied: not authorized to perform ecr:PutImage", "refused the push"],
    ["failed to push r/a:1: unexpected status: 404 Not Found", "no such repository"],
    ["failed to push r/a:1: tag invalid: The image tag '1' already exists and is immutable", "lets no tag be moved"],
    ["failed to push r/a:1: tls: failed to verify certificate: x509: unknown authority", "does not trust"],
    ["failed to push r/a:1: dial tcp 10.0.0.1:443: connect: connection refused", "could not reach the registry"],
    ['process "/bin/sh -c make" did not complete successfully: cannot allocate memory', "step ran out of memory"],
    ['process "/bin/sh -c make" did not complete successfully: exit code: 137', "was killed (137), as a rule"],
    ["failed to copy: write /x: no space left on device", "A disk is full"],
    ["rpc error: code = Unavailable desc = closing transport due to: EOF", "connection to the runner was lost"],
    ["unknown flag: --frob", "an entry of the image's options is wrong"],
    ["x: pull access denied, repository does not exist or may require authorization", "cannot be pulled"],
    ["r/x:1: no match for platform in manifest: not found", "not there for the platform"],
    [
        "error reading from server: read tcp 10.0.0.2:5->10.0.0.1:9753: connection reset by peer",
        "to the runner was lost",
    ],
    ["read tcp 10.0.0.2:5->10.0.0.1:9753: read: connection reset by peer", "to the runner was lost"],
    ['Get "https://h/f": read tcp 10.0.0.1:5->10.0.0.3:443: read: connection reset by peer', "cannot be reached"],
    [`${head}: read tcp 10.0.0.1:5->10.0.0.3:443: read: connection reset by peer`, "cannot be reached"],
    [
        `${head}: tls: failed to verify certificate: x509: certificate signed by unknown authority`,
        "certificate is not trusted",
    ],
    [`${head}: dial tcp: lookup r on 10.0.0.53:53: no such host`, "cannot be reached"],
    [`${head}: dial tcp 10.0.0.3:443: i/o timeout`, "cannot be reached"],
    [`${head}: dial tcp 10.0.0.3:443: connect: connection refused`, "cannot be reached"],
    [`${head}: EOF`, "cannot be reached"],
    [`${head}: proxyconnect tcp: dial tcp 10.0.0.4:3128: connect: no route to host`, "the proxy"],
    [`${metadata}: unexpected status from HEAD request to https://r/v2/: 503 Service Unavailable`, "is it up?"],
    [
        "git stderr:fatal: unable to access 'https://h/r.git/': Could not resolve host: h: exit status 128",
        "cannot be reached",
    ],
    [
        "git stderr:fatal: unable to access 'https://h/r.git/': SSL certificate problem: unable to get",
        "certificate is not trusted",
    ],
    ["git stderr:kex_exchange_identification: read: Connection reset by peer", "cannot be reached"],
    [`${metadata}: unexpected status from HEAD request to https://r/v2/EOF/x509/: 401 Unauthorized`, "wants a login"],
])("%s: in words", (error, words) => {
    const message = buildError(ended(`ERROR: failed to build: failed to solve: ${error}`), []);
    expect(message.split("\n")[0]).toBe(error);
    expect(message).toContain(words);
});

test("a buildx that was killed, crashed, or said nothing", () => {
    expect(buildError({ code: null, signal: "SIGKILL", text: [] }, [])).toMatch(/^buildx was killed \(SIGKILL\)/);
    expect(buildError(ended("noise", "panic: nil map", "", "goroutine 1:", "x"), [])).toBe(
        "buildx crashed:\npanic: nil map\n\ngoroutine 1:",
    );
    expect(buildError({ code: 3, signal: null, text: ["strange"] }, [])).toBe(
        "buildx ended with status 3 and without a reason.\nstrange",
    );
});

describe("a buildx that ended with the status of a cancellation", () => {
    const interrupted = (...text: string[]) => ({ code: 130, signal: null, text });
    const other = { name: "[1/1] RUN x", error: "context canceled", seconds: 1, lines: [] };

    test.each([
        [[], ""],
        [["ERROR: context canceled"], "\ncontext canceled"],
        [
            ["ERROR: failed to build: failed to solve: Canceled: grpc: the client connection is closing"],
            "\nCanceled: grpc: the client connection is closing",
        ],
        [["ERROR: failed to list workers: rpc error: code = Canceled desc = x"], /\nfailed to list .* desc = x$/],
    ])("was canceled, and said %j", (text, said) => {
        const message = buildError(interrupted(...text), [other]);
        expect(message.replace("The build was canceled.", "")).toEqual(
            said instanceof RegExp ? expect.stringMatching(said) : said,
        );
    });

    test("says the step that failed, because of which others were canceled", () => {
        const end = interrupted("ERROR: failed to build: failed to solve: Canceled: context canceled");
        expect(buildError(end, [other, step])).toMatch(/^\[2\/3\] RUN make failed after 31 s: /);
    });

    test("says a cause that is none of a step", () => {
        expect(buildError(interrupted("ERROR: failed to build: invalid tag"), [other])).toBe("invalid tag");
    });
});

test("what a credential program said", () => {
    expect(
        buildError(ended("ERROR: pull access denied"), [], {
            credentialFailures: "docker-credential-x for r: locked\n",
        }),
    ).toMatch(/\ndocker-credential-x for r: locked$/);
});

describe("a refused login", () => {
    const login = { registry: "ghcr.io", remedy: "Look at registryToken." };
    const importing = { ...step, name: "importing cache manifest from ghcr.io/acme/app:cache-amd64" };
    const token =
        "failed to fetch oauth token: unexpected status from GET request to https://auth.example/: 401 Unauthorized";

    test.each([
        ["a push", "failed to push ghcr.io/acme/app:1: unexpected status: 403 Forbidden", "refused the push", step],
        [
            "a push, by its token service",
            `failed to push ghcr.io/acme/app:1: failed to authorize: ${token}`,
            "push",
            step,
        ],
        [
            "a push of the cache, which names no registry,",
            "error writing layer blob: push access denied, repository does not exist or may require authorization",
            "refused the push",
            { ...step, name: "exporting cache to registry" },
        ],
        ["a cache", `failed to configure registry cache importer: failed to authorize: ${token}`, "login", importing],
        [
            "a base",
            "ghcr.io/acme/base:1: failed to resolve source metadata: 401 Unauthorized",
            "cannot be pulled",
            step,
        ],
    ])("of %s says what to look at", (_what, error, meaning, failed) => {
        const message = buildError(ended(`ERROR: failed to build: failed to solve: ${error}`), [{ ...failed, error }], {
            login,
        });
        expect(message).toContain(meaning);
        expect(message).toMatch(/\nLook at registryToken\.$/);
    });

    test("of an index, which has no steps, says what to look at", () => {
        expect(buildError(ended(`ERROR: failed to authorize: ${token}`), [], { login })).toMatch(
            /Look at registryToken\.$/,
        );
    });

    test.each([
        ["another registry", "other.example/base:1: failed to resolve source metadata: 401 Unauthorized"],
        ["none", "failed to push ghcr.io/acme/app:1: connection refused"],
        ["none, for a digest with 403 in it", "failed to push ghcr.io/acme/app:1: sha256:7403: connection refused"],
    ])("of %s does not", (_what, error) => {
        const message = buildError(ended(`ERROR: failed to build: failed to solve: ${error}`), [{ ...step, error }], {
            login,
        });
        expect(message).not.toContain("registryToken");
    });
});
