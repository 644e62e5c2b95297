import { execFileSync, spawnSync } from "node:child_process";
import {
    chmodSync,
    cpSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What prepare.sh may take from the machine: everything else is a stub, or missing. */
const machineTools = (
    "sh awk basename cat chmod cmp cp cut date dirname env find flock grep id ln mkdir mktemp mv rm sed setsid sha256sum " +
    "sleep sort stat tail tr true"
).split(" ");

const stubs: Record<string, string> = {
    // Takes the tar's name from the arguments and says how it was called.
    mmdebstrap: `line=$(echo "$*" | tr '\\n' ' '); echo "$line" >>"$STUB_LOG"
sleep "\${STUB_SECONDS:-0}"
for word; do case $word in
    --architectures=*) architecture=\${word#*=} ;;
    *.tar) echo "root of $architecture" >"$word" ;;
    *.sources) cat "$word" >"$STUB_LOG.sources" ;;
esac; done
[ -z "\${STUB_FAILS:-}" ] || { echo "E: the mirror is gone"; exit 1; }`,
    "apt-get": `case "$*" in
    *update*) ;;
    *source*) for name; do :; done; echo dsc >"\${name}_1.dsc"; echo orig >"\${name}_1.orig.tar.gz" ;;
esac`,
    "apt-config": "echo 'Acquire::http::Proxy \"http://proxy:3128\";'",
    "arch-test": "exit 0",
    dpkg: "echo amd64",
    // No mount namespace, as in many containers: the way through mmdebstrap's own modes.
    unshare: "exit 1",
    id: "echo 0",
};

interface Run {
    readonly status: number | null;
    readonly out: string;
    readonly err: string;
}

let folder: string;
let example: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "prepare-test-"));
    example = join(folder, "encoder");
    mkdirSync(example);
    mkdirSync(join(folder, "bin"));
    mkdirSync(join(folder, "apt", "sources.list.d"), { recursive: true });
    cpSync(join(__dirname, "prepare.sh"), join(example, "prepare.sh"));
    for (const tool of machineTools) {
        const at = execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
        stub(tool, `exec ${at.startsWith("/") ? at : `/bin/${tool}`} "$@"`);
    }
    for (const [name, body] of Object.entries(stubs)) stub(name, body);
    sources("debian.list", "deb http://mirror.example/debian bookworm main contrib");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stub(name: string, body: string): void {
    const path = join(folder, "bin", name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
}

function sources(name: string, text: string): void {
    writeFileSync(join(folder, "apt/sources.list.d", name), `${text}\n`);
}

function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
    return {
        PATH: join(folder, "bin"),
        NATIVE_BUILDX_CACHE: join(folder, "cache"),
        NATIVE_BUILDX_APT: join(folder, "apt"),
        STUB_LOG: join(folder, "log"),
        ...extra,
    };
}

function prepare(architectures: string[] = [], extra: Record<string, string> = {}): Run {
    const script = join(example, "prepare.sh");
    const run = spawnSync("/bin/sh", [script, ...architectures], { encoding: "utf8", env: environment(extra) });
    return { status: run.status, out: run.stdout, err: run.stderr };
}

const debootstraps = (): string[] => readFileSync(join(folder, "log"), "utf8").trim().split("\n");
const usedSources = (): string => readFileSync(join(folder, "log.sources"), "utf8");

test("it makes a root for each architecture and fetches the source package", () => {
    expect(prepare()).toMatchObject({ status: 0, err: "" });
    expect(readFileSync(join(example, "base/amd64/rootfs.tar"), "utf8")).toBe("root of amd64\n");
    expect(readFileSync(join(example, "base/arm64/rootfs.tar"), "utf8")).toBe("root of arm64\n");
    expect(readdirSync(join(example, "app/source")).sort()).toEqual(["lame_1.dsc", "lame_1.orig.tar.gz"]);
});

test("only the architectures asked for are made", () => {
    expect(prepare(["arm64"]).status).toBe(0);
    expect(readdirSync(join(example, "base"))).toEqual(["arm64"]);
    expect(debootstraps()).toHaveLength(1);
});

test("a second run, and another checkout, make nothing again", () => {
    prepare();
    const inode = statSync(join(example, "base/arm64/rootfs.tar")).ino;
    expect(prepare().status).toBe(0);
    rmSync(join(example, "base"), { recursive: true });
    expect(prepare().status).toBe(0);
    expect(statSync(join(example, "base/arm64/rootfs.tar")).ino).toBe(inode);
    expect(debootstraps()).toHaveLength(2);
});

test("the files' mode does not depend on the user's umask", () => {
    const before = process.umask(0o077);
    try {
        prepare(["amd64"]);
    } finally {
        process.umask(before);
    }
    expect(statSync(join(example, "base/amd64/rootfs.tar")).mode & 0o777).toBe(0o644);
    expect(statSync(join(example, "app/source/lame_1.dsc")).mode & 0o777).toBe(0o644);
});

test("two at once make each root once", () => {
    const both = '"$0" "$1" & "$0" "$1"; first=$?; wait $! && exit $first';
    const run = spawnSync("/bin/sh", ["-c", both.replaceAll('"$0"', 'sh "$0"'), join(example, "prepare.sh"), "arm64"], {
        encoding: "utf8",
        env: environment({ STUB_SECONDS: "0.5" }),
    });
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).toContain("waiting for it");
    expect(debootstraps()).toHaveLength(1);
});

test("an interrupted run leaves nothing that looks finished, and the next one starts clean", () => {
    const run = spawnSync("/bin/sh", [join(example, "prepare.sh"), "arm64"], {
        env: environment({ STUB_SECONDS: "3" }),
        timeout: 700,
        killSignal: "SIGKILL",
    });
    expect(run.signal).toBe("SIGKILL");
    expect(readdirSync(join(folder, "cache")).filter((name) => name.endsWith(".tar"))).toEqual([]);
    expect(prepare(["arm64"]).status).toBe(0);
    expect(readdirSync(join(folder, "cache")).filter((name) => name.startsWith("making."))).toEqual([]);
});

test("a failing mmdebstrap is shown and leaves no root behind", () => {
    const run = prepare(["arm64"], { STUB_FAILS: "yes" });
    expect(run.status).toBe(1);
    expect(run.err).toContain("E: the mirror is gone");
    expect(run.err).toContain("mmdebstrap could not make the arm64 root file system");
    expect(readdirSync(join(folder, "cache")).filter((name) => name.endsWith(".tar"))).toEqual([]);
});

test.each([
    ["mmdebstrap is not installed", () => rmSync(join(folder, "bin/mmdebstrap")), "apt-get install --yes mmdebstrap"],
    ["arch-test is not installed", () => rmSync(join(folder, "bin/arch-test")), "apt-get install --yes arch-test"],
    ["the emulator is not registered", () => stub("arch-test", "exit 1"), "update-binfmts --enable"],
    ["a user may not make namespaces", () => stub("id", "echo 1000"), "Run: sudo sh "],
    ["no source is Debian's", () => sources("debian.list", ""), "no source of Debian's archive in "],
])("when %s, one message names the remedy", (_case, arrange, remedy) => {
    arrange();
    const run = prepare(["arm64"]);
    expect(run.status).toBe(1);
    expect(run.err).toContain(remedy);
    expect(run.err.match(/^prepare: /gm)).toHaveLength(1);
});

test("for a base from a registry, the source package alone needs no mmdebstrap", () => {
    rmSync(join(folder, "bin/mmdebstrap"));
    expect(prepare(["source"])).toMatchObject({ status: 0, err: "" });
    expect(readdirSync(join(example, "app/source"))).toHaveLength(2);
});

test("the machine's own architecture needs no emulator", () => {
    rmSync(join(folder, "bin/arch-test"));
    expect(prepare(["amd64"])).toMatchObject({ status: 0, err: "" });
});

test("more packages make another root, and another source package is fetched in place of the encoder's", () => {
    prepare(["amd64"]);
    expect(prepare(["amd64"], { NATIVE_BUILDX_PACKAGES: "g++,cmake", NATIVE_BUILDX_SOURCE: "x264" })).toMatchObject({
        status: 0,
        err: "",
    });
    const [first, second] = debootstraps();
    expect(first).toMatch(/ --include=gcc,libc6-dev,make,patch,xz-utils /);
    expect(second).toMatch(/ --include=gcc,libc6-dev,make,patch,xz-utils,g\+\+,cmake /);
    expect(readdirSync(join(example, "app/source")).sort()).toEqual(["x264_1.dsc", "x264_1.orig.tar.gz"]);
    expect(prepare(["source"]).status).toBe(0);
    expect(readdirSync(join(example, "app/source")).sort()).toEqual(["lame_1.dsc", "lame_1.orig.tar.gz"]);
});

test.each([
    [
        "NATIVE_BUILDX_PACKAGES",
        "g++ cmake",
        'NATIVE_BUILDX_PACKAGES: "g++ cmake" is no list of packages: give names with commas, such as g++',
    ],
    [
        "NATIVE_BUILDX_SOURCE",
        "../x264",
        'NATIVE_BUILDX_SOURCE: "../x264" is no source package: give a name such as x264',
    ],
])("a variable %s that is wrong is refused", (name, value, message) => {
    expect(prepare(["source"], { [name]: value })).toMatchObject({ status: 1, err: `prepare: ${message}\n` });
});

test("an architecture that is none is refused", () => {
    expect(prepare(["linux/arm64"])).toMatchObject({ status: 1, err: expect.stringContaining('"linux/arm64"') });
});

describe("of the machine's apt sources", () => {
    test("only Debian's own archive is used, in one-line and deb822 form", () => {
        sources("docker.list", "deb [arch=amd64] https://other.example/linux/debian bookworm stable");
        sources("node.sources", "Types: deb\nURIs: https://node.example/node_20.x\nSuites: nodistro\nComponents: main");
        sources(
            "security.sources",
            "# comment\nTypes: deb deb-src\nURIs: http://mirror.example/debian-security/\nSuites: bookworm-security\n" +
                "Components: main non-free\nSigned-By: /keys/debian.gpg",
        );
        prepare(["amd64"]);
        expect(usedSources().trim()).toBe(
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n\n" +
                "Types: deb\nURIs: http://mirror.example/debian-security/\nSuites: bookworm-security\nComponents: main\n" +
                "Signed-By: /keys/debian.gpg",
        );
    });

    test("one release is used, with its updates, and disabled or source-only stanzas are not", () => {
        rmSync(join(folder, "apt/sources.list.d/debian.list"));
        sources(
            "debian.sources",
            "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\n" +
                "Suites: trixie trixie-updates trixie-backports sid\nComponents: main\n\n" +
                "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: trixie\nComponents: main\n\n" +
                "Types: deb-src\nURIs: http://source.example/debian\nSuites: trixie\nComponents: main",
        );
        prepare(["amd64"]);
        expect(usedSources().trim()).toBe(
            "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: trixie trixie-updates\nComponents: main",
        );
        expect(debootstraps()[0]).toContain(" trixie ");
    });

    test("a key file named in a one-line source is kept", () => {
        sources("debian.list", "deb [arch=amd64 signed-by=/keys/own.gpg] http://mirror.example/debian bookworm main");
        prepare(["amd64"]);
        expect(usedSources()).toContain("Signed-By: /keys/own.gpg");
    });

    test("other sources make another root", () => {
        prepare(["amd64"]);
        sources("debian.list", "deb http://mirror.example/debian trixie main");
        prepare(["amd64"]);
        expect(debootstraps()).toHaveLength(2);
    });
});
