import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

let folder: string;

beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(path.join(folder, "bin"));
    stub(
        "apt-config",
        "echo 'Acquire::http::Proxy \"http://name:password@proxy:3128\";'; echo 'Dir::State \"other\";'",
    );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stub(name: string, body: string): void {
    const file = path.join(folder, "bin", name);
    writeFileSync(file, `#!/bin/sh\n${body}\n`);
    chmodSync(file, 0o755);
}

/** The machine's apt: it has `uris` among its sources, and lists can be had from `served`, or from nowhere. */
function aptOf(uris: string[], served: string | undefined): void {
    stub(
        "apt-get",
        `case "$*" in
    "update --print-uris") printf "'%s/dists/suite/InRelease' lists 0\\n" ${uris.join(" ")} ;;
    update*)
        place=$(sed -n 's/^URIs: //p' "${folder}/archive/apt/sources.list.d/archive.sources")
        echo "$place" >>"${folder}/tried"
        [ "$place" = "${served ?? "nowhere"}" ] || { echo "E: nothing at $place" >&2; exit 100; } ;;
esac`,
    );
}

function open(
    distribution: string,
    architecture: string,
    suites: string[],
): { status: number | null; tried: string[] } {
    const script = `. ${path.join(__dirname, "archives.sh")}; open_archive "$@"`;
    const { status } = spawnSync(
        "sh",
        ["-euc", script, "sh", path.join(folder, "archive"), distribution, architecture, ...suites],
        { env: { ...process.env, PATH: `${path.join(folder, "bin")}:${process.env.PATH}` } },
    );
    const tried = path.join(folder, "tried");
    return { status, tried: existsSync(tried) ? readFileSync(tried, "utf8").trim().split("\n") : [] };
}

/** For the keys of an archive that the machine may not have. */
const keyOf = (distribution: string) =>
    stub(
        "dpkg-deb",
        `mkdir -p "$3/usr/share/keyrings" && : >"$3/usr/share/keyrings/${distribution}-archive-keyring.gpg"`,
    );

describe("the archive of a release", () => {
    it.each([
        ["debian", "amd64", "http://mirror.example/debian/", "http://mirror.example/debian"],
        ["debian", "arm64", "http://ports.example/ubuntu-ports", "http://ports.example/debian"],
        ["ubuntu", "amd64", "http://mirror.example/debian", "http://mirror.example/ubuntu"],
        ["ubuntu", "arm64", "http://mirror.example/debian", "http://mirror.example/ubuntu-ports"],
    ])("is looked for beside this machine's: %s for %s, beside %s", (distribution, architecture, own, place) => {
        aptOf([own, own], place);
        keyOf(distribution);
        expect(open(distribution, architecture, ["suite"])).toEqual({ status: 0, tried: [place] });
    });

    it.each([
        ["debian", "amd64", "http://mirror.example/debian"],
        ["ubuntu", "amd64", "http://mirror.example/ubuntu"],
        ["ubuntu", "arm64", "http://mirror.example/ubuntu-ports"],
    ])(
        "is looked for at the mirrors that a file lists, as in cloud images: %s for %s",
        (distribution, architecture, place) => {
            const list = path.join(folder, "debian.list");
            writeFileSync(list, "# mirrors\nhttp://mirror.example/debian\tpriority:1\n");
            aptOf([`mirror+file:${list}`, "http://tools.example/linux"], place);
            keyOf(distribution);
            expect(open(distribution, architecture, ["suite"])).toEqual({ status: 0, tried: [place] });
        },
    );

    it("is missing where this machine's apt has no archive like it, and that is said", () => {
        aptOf(["http://tools.example/linux"], "http://tools.example/linux");
        keyOf("debian");
        const { status, tried } = open("debian", "amd64", ["suite"]);
        expect(status).not.toBe(0);
        expect(tried).toEqual([]);
        const log = readFileSync(path.join(folder, "archive/log"), "utf8");
        expect(log).toBe("E: no apt source of this machine leads to debian: add one, of any release\n");
    });

    it("is missing where no place has it", () => {
        aptOf(["http://mirror.example/debian"], undefined);
        keyOf("ubuntu");
        const { status, tried } = open("ubuntu", "amd64", ["noble", "noble-updates"]);
        expect(status).not.toBe(0);
        expect(tried).toEqual(["http://mirror.example/ubuntu"]);
        expect(readFileSync(path.join(folder, "archive/log"), "utf8")).toContain("E: nothing at http://mirror.example");
    });

    it("is read by an apt of its own, with this machine's proxy, which nobody else can read", () => {
        aptOf(["http://mirror.example/debian"], "http://mirror.example/debian");
        keyOf("debian");
        open("debian", "arm64", ["trixie"]);
        const configuration = path.join(folder, "archive/apt.conf");
        expect(statSync(configuration).mode & 0o777).toBe(0o600);
        const read = readFileSync(configuration, "utf8");
        expect(read).toContain("http://name:password@proxy:3128");
        expect(read).not.toContain("other");
        rmSync(path.join(folder, "bin/apt-config"));
        const { APT_CONFIG, ...environment } = process.env;
        const dump = execFileSync("apt-config", ["dump"], {
            encoding: "utf8",
            env: { ...environment, APT_CONFIG: configuration },
        });
        expect(dump).toContain('APT::Architecture "arm64"');
        expect(dump).toContain(`Dir::State "${path.join(folder, "archive/state")}"`);
        expect(dump).not.toContain("Post-Invoke");
    });
});
