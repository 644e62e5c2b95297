import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { describeUnless } from "../../../tests/helpers/needs";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

/** As icecream's client: has its words preprocess, reads what comes of it from a pipe, and hands it over, here to standard output. */
const client = `
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words) {
    char text[1000];
    int ends[2], status = 1;
    ssize_t length;
    if (pipe(ends) != 0) return 2;
    if (fork() == 0) {
        dup2(ends[1], 1);
        close(ends[1]);
        execv(words[1], words + 1);
    }
    close(ends[1]);
    while ((length = read(ends[0], text, sizeof(text))) > 0)
        if (write(1, text, length) != length) return 2;
    wait(&status);
    return status != 0 ? 3 : 0;
}`;

describeUnless(spawnSync("gcc", ["--version"]).error && "no gcc")("icecream's client in a step", () => {
    let folder: string;
    const at = (name: string) => path.join(folder, name);

    beforeAll(() => {
        folder = temporaryFolder();
        execFileSync("gcc", ["-x", "c", "-o", at("client"), "-"], { input: client });
        const include = ["-I", path.join(__dirname, "../emulation")];
        execFileSync("gcc", [
            ...["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", ...include],
            ...["-o", at("client.so"), path.join(__dirname, "clusterClient.c")],
        ]);
        writeFileSync(at("before.h"), "int two(void);\n");
        execFileSync("gcc", ["-O2", "-x", "c-header", "-o", at("before.h.gch"), at("before.h")]);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    function handOver(source: string, ...words: string[]) {
        return handOverRead(0, source, ...words);
    }

    /** @param first 1 where the source is read first */
    function handOverRead(first: 0 | 1, source: string, ...words: string[]) {
        const [apart, used] = [openSync(at("apart"), "w"), openSync(at("used"), "w")];
        writeFileSync(at("a.c"), source);
        const result = spawnSync(at("client"), ["/usr/bin/gcc", "-O2", ...words, "-E", "a.c"], {
            cwd: folder,
            encoding: "utf8",
            maxBuffer: 64_000_000,
            env: {
                PATH: "/usr/bin:/bin",
                LD_PRELOAD: at("client.so"),
                COMPILE_CLUSTER_PREPROCESSOR: `3 4 ${first}`,
            },
            stdio: ["ignore", "pipe", "pipe", apart, used],
        });
        closeSync(apart);
        closeSync(used);
        return { ...result, apart: readFileSync(at("apart"), "utf8"), used: readFileSync(at("used")) };
    }

    const intrinsics = process.arch === "arm64" ? "arm_neon.h" : "immintrin.h";

    it.each([
        ["where it stands", "const char *f(void) { return __FILE__; }\nint g(void) { return __LINE__; }\n"],
        ["OpenMP", "void f(void) {\n#pragma omp parallel\n;\n}\n"],
        ["another name", "#pragma redefine_extname old new\nint old(void);\n"],
        ["the compiler's own headers that ask for targets", `#include <${intrinsics}>\n`],
        ["a call that is called like an attribute", "int optimize(int); int f(int n) { return optimize(n); }\n"],
        ["a warning that is not wanted", '#pragma GCC diagnostic ignored "-Wall"\nint x;\n'],
        ["long lines", `int x[] = { ${"1, ".repeat(10_000)} };\n`],
    ])("hands over what is compiled to the same elsewhere: %s", (_name, source) => {
        const { status, stdout, stderr, apart } = handOver(source);
        expect([status, stderr, apart]).toEqual([0, "", ""]);
        const own = spawnSync("gcc", ["-O2", "-E", "a.c"], { cwd: folder, encoding: "utf8", maxBuffer: 64_000_000 });
        expect(stdout).toBe(own.stdout);
    });

    it.each([
        ["macros of a target", '#pragma GCC target("avx2")\n'],
        ["macros of an optimization", '_Pragma("GCC optimize(3)") int x;\n'],
        [
            "a header of the compiler that is left, then a target",
            `#include <${intrinsics}>\n#pragma GCC target("avx2")\n`,
        ],
        ["a library's header, by -isystem", '# 1 "/opt/library.h" 1 3\n#pragma GCC target("avx2")\n'],
        ["an error of the preprocessor's", '#pragma GCC diagnostic error "-Wundef"\n'],
        ["lines that the compiler counts", "int f(void) { return __builtin_LINE(); }\n"],
        ["places that it counts", "void f(void) { __builtin_source_location(); }\n"],
        ["a function without optimization", '__attribute__((optimize("O0"))) void f(void) { }\n'],
        ["the same by a macro, in lines", "#define NOT optimize\n[[gnu::NOT(\n0)]] void f(void) { }\n"],
        [
            "the same behind a long line",
            `int x[] = { ${"1, ".repeat(10_000)} };\n__attribute__((__optimize__ (0))) void f(void) { }\n`,
        ],
        ["a header that was compiled before", '#include "before.h"\n'],
    ])("fails at what is not: %s", (_name, source) => {
        expect(handOver(source).status).toBe(1);
    });

    it("fails when the preprocessor has written its list of headers", () => {
        const many = `#include <stdio.h>\n__attribute__((optimize(0))) void f(void) { }\n${"int puts(const char *);\n".repeat(100_000)}`;
        expect(handOver(many, "-MD", "-MF", "a.d").status).toBe(1);
        expect(existsSync(at("a.d"))).toBe(true);
        expect(readFileSync(at("a.d"), "utf8")).toContain("stdio.h");
    });

    it("keeps apart what the preprocessor says", () => {
        const { status, stderr, apart, used } = handOver("#warning new\nint x;\n");
        expect([status, stderr]).toEqual([0, ""]);
        expect(apart).toContain("#warning new");
        expect(used).toHaveLength(1);
    });

    const indented = "void f(int a) {\n\tif (a)\n\t\tf(1);\n\t\tf(2);\n}\n";
    it.each([
        ["misleading-indentation", indented],
        ["multistatement-macros", "#define TWO f(1); f(2)\nvoid f(int a) {\n\tif (a)\n\t\tTWO;\n}\n"],
    ])("fails at what is warned of for how it is written, where it is to be read first: %s", (warning, source) => {
        const { status, stdout, stderr, apart, used } = handOverRead(1, source, "-Wall");
        expect([status, stdout, stderr]).toEqual([3, "", ""]);
        expect(apart).toContain(`[-W${warning}]`);
        expect(used).toHaveLength(1);
        expect(handOverRead(1, source, `-Werror=${warning}`).apart).toContain(`[-Werror=${warning}]`);
        expect(handOverRead(0, source, "-Wall")).toMatchObject({ status: 0, apart: "" });
    });

    it("reads first without a word, and without compiling, what nothing is to be said of", () => {
        const { status, stdout, apart } = handOverRead(1, "int x;\n", "-Wall", "-MD", "-MF", "read.d");
        expect([status, apart]).toEqual([0, ""]);
        expect(stdout).toBe(handOver("int x;\n").stdout);
        expect(readFileSync(at("read.d"), "utf8")).toContain("a.c");
    });
});
