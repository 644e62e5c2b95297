import { execFileSync, spawnSync } from "node:child_process";
import {
    chmodSync,
    closeSync,
    constants,
    existsSync,
    linkSync,
    mkdirSync,
    openSync,
    readFileSync,
    readSync,
    realpathSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { checkout } from "../../../tests/helpers/checkout";
import { describeUnless } from "../../../tests/helpers/needs";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

function missingCompiler(): string | undefined {
    const found = spawnSync("sh", ["-c", "readlink -f /usr/bin/gcc"], { encoding: "utf8" }).stdout.trim();
    return /-gcc-\d+$/.test(found) ? undefined : "no gcc of Debian or Ubuntu";
}

describeUnless(missingCompiler())("a compiler of a step in a compile cluster", () => {
    let folder: string;
    const at = (name: string) => path.join(folder, name);

    /** The front, for a cluster in our folder that knows this machine's own compiler; its client notes its words. */
    beforeAll(() => {
        folder = temporaryFolder();
        for (const name of ["bin", "client", "known", "environments", "run", "work", "other"]) {
            mkdirSync(at(name));
        }
        const emulation = path.join(__dirname, "../emulation");
        const build = (source: string, to: string, ...words: string[]) =>
            execFileSync("gcc", ["-DMACHINE=0", '-DNAME=""', "-I", emulation, ...words, "-o", to, source]);
        const places = [`-DCLUSTER="${folder}"`, `-DWARNED="${at("remembered")}"`, `-DTELL="${at("pipe")}"`];
        build(path.join(__dirname, "clusterFront.c"), at("bin/gcc"), ...places);
        for (const name of ["g++", "cc", "c++"]) {
            linkSync(at("bin/gcc"), at(`bin/${name}`));
        }
        build(path.join(checkout, "tools/twins/identify.c"), at("identify"));
        const ofUsr = ["gcc", "g++", "as"]
            .map((name) => `/usr/bin/${name}`)
            .filter(existsSync)
            .map((file) => realpathSync(file));
        for (const program of [programOf("cc1"), programOf("cc1plus"), ...ofUsr]) {
            if (existsSync(program)) {
                const identity = execFileSync(at("identify"), [program], { encoding: "utf8" }).trim();
                mkdirSync(at(`known/${path.dirname(identity)}`));
                writeFileSync(at(`known/${identity}`), "own\n");
            }
        }
        writeFileSync(at("environments/own"), "unless b -fstack-protector*\nhelper a a.tar.gz\nhelper b b.tar.gz\n");
        writeFileSync(at("run/socket"), "");
        const client = `#!/bin/sh
            if [ "$6" = icerun ]; then
                echo "$8" >>'${folder}/turns'
                shift 7
                exec "$@"
            fi
            printf '%s\\n' "$ICECC_VERSION" "$@" >'${folder}/called'
            [ "$ICECC_REMOTE_CPP $ICECC_CARET_WORKAROUND" = '0 0' ] || exit
            set -- $COMPILE_CLUSTER_PREPROCESSOR
            [ -e '${folder}/here' ] || echo >"/dev/fd/$2"
            echo "$3" >'${folder}/reads'
            echo 'compiled by the client'
            [ ! -e '${folder}/says' ] || cat '${folder}/says' >&2
            [ ! -e '${folder}/warned' ] || echo 'warning' >"/dev/fd/$1"
            [ ! -e '${folder}/failing' ]`;
        writeFileSync(at("client/loader"), client);
        chmodSync(at("client/loader"), 0o755);
        for (const name of ["a.c", "b.c", "a.cc", "conftest.c"]) {
            writeFileSync(at(`work/${name}`), "int main(void) { return 0; }\n");
        }
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    function programOf(name: string): string {
        return execFileSync("gcc", [`-print-prog-name=${name}`], { encoding: "utf8" }).trim();
    }

    function run(words: string, env: NodeJS.ProcessEnv = {}) {
        for (const name of ["called", "turns"]) {
            rmSync(at(name), { force: true });
        }
        const [command = "", ...args] = words.split(" ");
        const result = spawnSync(at(`bin/${command}`), args, {
            cwd: at("work"),
            encoding: "utf8",
            env: { PATH: `${at("bin")}:/usr/bin:/bin`, ...env },
        });
        const [called, turns] = ["called", "turns"].map((name) =>
            existsSync(at(name)) ? readFileSync(at(name), "utf8").trimEnd().split("\n") : undefined,
        );
        return { ...result, called, turns };
    }

    it.each([
        "gcc -O -c a.c",
        "cc -O3 -ffast-math -m64 -Wall -I. -std=gnu99 -c a.c -o a.o -DDEPTH=8",
        "gcc -O0 -g0 -Os -c a.c -o a.o",
        "gcc -O2 -MD -MF a.d -MT a.o -c a.c -o a.o",
        "gcc -O2 -fdiagnostics-color=always -pipe -isystem /opt -Wp,-D_FORTIFY_SOURCE=2 -c a.c",
    ])("asks the cluster: %s", (words) => {
        const { called, stdout, stderr, status } = run(words);
        expect(called).toEqual(
            expect.arrayContaining([`/usr/bin/${words.split(" ")[0]}`, ...words.split(" ").slice(1)]),
        );
        expect(called?.[0]).toBe(`a:${folder}/environments/a.tar.gz,b:${folder}/environments/b.tar.gz`);
        expect(stdout).toBe("compiled by the client\n");
        expect([stderr, status]).toEqual(["", 0]);
    });

    it.each<[string, NodeJS.ProcessEnv?]>([
        ["gcc -O2 a.c -o a"],
        ["gcc -O2 -E a.c"],
        ["gcc -O2 -S a.c"],
        ["gcc -O2 -c a.c b.c"],
        ["gcc -O2 -c conftest.c"],
        ["gcc -g -O2 -c a.c"],
        ["gcc -O2 -g3 -gno-record-gcc-switches -c a.c"],
        ["gcc -O2 -g -gno-record-gcc-switches -c a.c"],
        ["gcc -c a.c"],
        ["gcc -O2 -O0 -c a.c"],
        ["gcc -O2 -fsanitize=undefined -c a.c"],
        ["gcc -O2 -flto -c a.c"],
        ["gcc -O2 -march=native -c a.c"],
        ["gcc -O2 -fprofile-generate -c a.c"],
        ["gcc -O2 -save-temps -c a.c"],
        ["gcc -O2 -pedantic -c a.c"],
        ["gcc -O2 -B/usr/bin -c a.c"],
        ["gcc -O2 -Wa,-L -c a.c"],
        ["gcc -O2 -x c -c a.c"],
        ["gcc -O2 -M a.c"],
        ["gcc --version"],
        ["gcc -O2 -c a.c", { SOURCE_DATE_EPOCH: "0" }],
        ["gcc -O2 -c a.c", { COMPILER_PATH: "/opt" }],
    ])("compiles at home: %s %j", (words, env = {}) => {
        const { called, turns, stderr, status } = run(words, env);
        expect([called, turns]).toEqual([undefined, undefined]);
        expect(stderr).toBe("");
        expect(status).toBe(0);
    });

    it("asks only machines whose environment does the same", () => {
        expect(run("gcc -O2 -fstack-protector-strong -c a.c").called?.[0]).toBe(`a:${folder}/environments/a.tar.gz`);
    });

    it("names the object in the list of headers, as gcc does where it does not preprocess alone", () => {
        expect(run("gcc -O2 -MMD -MF a.d -c a.c -o out/a.o").called?.slice(-2)).toEqual(["-MQ", "out/a.o"]);
        expect(run("gcc -O2 -MMD -MF a.d -MT x -c a.c -o out/a.o").called).not.toContain("-MQ");
    });

    it.each([
        ["1", "gcc -O2 -Wall -c a.c"],
        ["1", "gcc -O2 -Werror=multistatement-macros -c a.c"],
        ["0", "gcc -O2 -Wall -Wno-misleading-indentation -Wno-multistatement-macros -c a.c"],
        ["0", "gcc -O2 -Wextra -Werror -c a.c"],
        ["0", "gcc -O2 -Wall -w -c a.c"],
    ])("has the client read first what may be warned of for how it is written: %s for %s", (reads, words) => {
        expect(run(words).called).toBeDefined();
        expect(readFileSync(at("reads"), "utf8")).toBe(`${reads}\n`);
    });

    it("compiles at home what its preprocessor says anything of", () => {
        writeFileSync(at("warned"), "");
        const { called, turns, stderr, status } = run("gcc -O2 -c a.c -o warned.o");
        rmSync(at("warned"));
        expect([called?.at(-1), turns]).toEqual(["warned.o", ["/usr/bin/gcc"]]);
        expect([stderr, status]).toEqual(["", 0]);
        expect(existsSync(at("work/warned.o"))).toBe(true);
    });

    it("compiles at home what the cluster failed at, and says nothing of that", () => {
        writeFileSync(at("failing"), "");
        const { called, turns, stderr, status } = run("gcc -O2 -c a.c -o failed.o");
        rmSync(at("failing"));
        expect([called?.at(-1), turns]).toEqual(["failed.o", ["/usr/bin/gcc"]]);
        expect([stderr, status]).toEqual(["", 0]);
        expect(existsSync(at("work/failed.o"))).toBe(true);
    });

    describe("of which there was something to say", () => {
        let pipe: number;
        beforeAll(() => {
            execFileSync("mkfifo", [at("pipe")]);
            pipe = openSync(at("pipe"), constants.O_RDWR | constants.O_NONBLOCK);
        });
        afterAll(() => closeSync(pipe));
        afterEach(() => {
            told();
            for (const name of ["remembered", "says", "here"]) {
                rmSync(at(name), { force: true });
            }
        });

        /** What the runner is told, which remembers it. */
        function told(): string {
            const text = Buffer.alloc(100);
            try {
                return text.toString("utf8", 0, readSync(pipe, text));
            } catch {
                return "";
            }
        }
        function remember(text: string): void {
            expect(text).toMatch(/^warned [0-9a-f]{16}\n$/);
            writeFileSync(at("remembered"), text.replace("warned ", ""), { flag: "a" });
        }

        it("is compiled at home from then on, as long as it and the words are the same", () => {
            const words = "gcc -O2 -c b.c -o b.o";
            writeFileSync(at("says"), "b.c:1:1: warning: of a preprocessed text\n");
            const { called, stderr } = run(words);
            expect([called?.at(-1), stderr, existsSync(at("work/b.o"))]).toEqual(["b.o", "", true]);
            remember(told());
            expect(run(words)).toMatchObject({ called: undefined, turns: ["/usr/bin/gcc"], stderr: "", status: 0 });
            expect(told()).toBe("");
            expect(run("gcc -O2 -c a.c -o b.o").called).toBeDefined();
            expect(run("gcc -O3 -c b.c -o b.o").called).toBeDefined();
            const source = readFileSync(at("work/b.c"));
            writeFileSync(at("work/b.c"), "int main(void) { return 1; }\n");
            expect(run(words).called).toBeDefined();
            writeFileSync(at("work/b.c"), source);
            expect(run(words).called).toBeUndefined();
        });

        it("is compiled at home at once where only the preprocessor spoke", () => {
            writeFileSync(at("warned"), "");
            expect(run("gcc -O2 -c a.c").called).toBeDefined();
            rmSync(at("warned"));
            remember(told());
            expect(run("gcc -O2 -c a.c").called).toBeUndefined();
        });

        it("is what the client says that compiled here, once", () => {
            writeFileSync(at("here"), "");
            writeFileSync(at("says"), "a.c:1:1: warning: of the source\n");
            expect(run("gcc -O2 -c a.c -o here.o").stderr).toBe("a.c:1:1: warning: of the source\n");
            expect(existsSync(at("work/here.o"))).toBe(false);
            remember(told());
        });

        it("is not what icecream says of itself, nor a source without a word", () => {
            writeFileSync(at("says"), "ICECC[12] 10:11:12: the helper is gone\n");
            expect(run("gcc -O2 -c a.c").called).toBeDefined();
            expect(told()).toBe("");
            rmSync(at("says"));
            expect(run("gcc -O2 -Wall -c a.c").called).toBeDefined();
            expect(told()).toBe("");
        });
    });

    it("compiles at home where the runner has no node, and with a compiler that is not known", () => {
        rmSync(at("run/socket"));
        expect(run("gcc -O2 -c a.c").called).toBeUndefined();
        writeFileSync(at("run/socket"), "");
        writeFileSync(at("other/gcc"), '#!/bin/sh\nexec /usr/bin/gcc "$@"\n');
        chmodSync(at("other/gcc"), 0o755);
        const other = run("gcc -O2 -c a.c", { PATH: `${at("bin")}:${at("other")}:/usr/bin:/bin` });
        expect([other.called, other.status]).toEqual([undefined, 0]);
    });

    it("does not call itself by way of ccache", () => {
        const PATH = `${at("bin")}:${at("cache")}:/usr/bin:/bin`;
        mkdirSync(at("cache"));
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
        const ccache = '#!/bin/sh\nname=${0##*/}\n[ -z "$CACHED" ] || exit 9\nCACHED=1 exec "$name" "$@"\n';
        writeFileSync(at("cache/ccache"), ccache);
        chmodSync(at("cache/ccache"), 0o755);
        execFileSync("ln", ["-s", "ccache", at("cache/gcc")]);
        const { called, status } = run("gcc -O2 -c a.c", { PATH });
        expect(called).toContain("/usr/bin/gcc");
        expect(status).toBe(0);
    });

    it("is not found where the step has none", () => {
        const { stderr, status } = run("gcc -O2 -c a.c", { PATH: at("bin") });
        expect([stderr, status]).toEqual(["gcc: not found\n", 127]);
    });
});
