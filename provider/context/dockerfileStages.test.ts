// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the Dockerfile's own

import { isPlainDockerfile, readStages } from "./dockerfileStages";

/** As in `3: base AS t on linux/amd64`. */
const stagesOf = (lines: string[]) =>
    readStages(lines.join("\n")).stages.map(({ line, image, name, platform }) =>
        [`${line}: ${image}`, ...(name ? [`AS ${name}`] : []), ...(platform ? [`on ${platform}`] : [])].join(" "),
    );

// What each is read as was compared with BuildKit's own parser.
test.each<[string, string[], string[]]>([
    ["a continuation", ["FROM \\", "  --platform=linux/amd64 base AS t"], ["1: base AS t on linux/amd64"]],
    ["a continuation with blanks behind it", ["FROM \\ \t", "a"], ["1: a"]],
    ["comments and empty lines in an instruction", ["FROM a \\", "# x \\", "", "  # y", "  AS b"], ["1: a AS b"]],
    ["a continuation that ends the file", ["FROM a \\"], ["1: a"]],
    ["an escaped escape character", ["FROM a", "RUN x \\\\", "FROM b"], ["1: a", "3: b"]],
    ["two escape characters at the end of a line", ["FROM a", "RUN x \\\\\\", "FROM b"], ["1: a", "3: b"]],
    ["no continuation of a comment", ["# x \\", "FROM a"], ["2: a"]],
    ["another escape character", ["# escape=`", "FROM `", "a", "RUN x \\", "FROM b"], ["2: a", "5: b"]],
    ["directives in any order and case", ["#Syntax = x", "# ESCAPE=`", "FROM `", "a"], ["3: a"]],
    ["a directive after a comment, which is none", ["# x", "# escape=`", "FROM a `", "FROM b"], ["3: a", "4: b"]],
    ["a directive after an empty line, which is none", ["", "# escape=`", "FROM \\", "a"], ["3: a"]],
    ["an escape character that is none", ["# escape=[", "FROM \\", "a"], ["2: a"]],
    ["a directive after blanks", [" \t# escape=`", "FROM `", "a"], ["2: a"]],
    ["a directive after the program's line, which is none", ["#!/x", "# escape=`", "FROM \\", "a"], ["3: a"]],
    ["a byte order mark", ["\uFEFF# escape=`", "FROM `", "a"], ["2: a"]],
    ["lines of Windows", ["FROM \\\r", "a\r", "RUN <<EOF\r", "FROM x\r", "EOF\r", "FROM b\r"], ["1: a", "6: b"]],
    ["small letters and blanks", ["  from\ta  as\tB"], ["1: a AS b"]],
    ["other options", ["FROM --x=1 --platform=p a", "FROM --p='1 2' --platform=\"q\" b"], ["1: a on p", "2: b on q"]],
    ["an escape character in an option", ["FROM --platform=linux\\/amd64 a"], ["1: a on linux/amd64"]],
    ["an option after the image, which is none", ["FROM a --platform=p"], ["1: a"]],

    ["a heredoc", ["FROM a", "RUN <<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["a blank before its word", ["FROM a", "RUN sql << EOF", "FROM x;", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["a quoted word", ["FROM a", "COPY <<'E F' /x", "FROM x", "E F", "FROM b"], ["1: a", "5: b"]],
    ["an escaped word", ["FROM a", "RUN cat <<E\\OF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["a number before it", ["FROM a", "RUN x 3<<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["tabs before its end", ["FROM a", "RUN <<-EOF", "FROM x", "\tEOF", "FROM b"], ["1: a", "5: b"]],
    ["tabs that are not left out", ["FROM a", "RUN <<EOF", "\tEOF", "FROM x", "EOF", "FROM b"], ["1: a", "6: b"]],
    ["blanks that are never left out", ["FROM a", "RUN <<-EOF", " EOF", "EOF ", "EOF", "FROM b"], ["1: a", "6: b"]],
    ["several", ["FROM a", "ADD <<A <<B /x/", "B", "A", "FROM x", "B", "FROM b"], ["1: a", "7: b"]],
    ["one behind a continuation", ["FROM a", "RUN x \\", "  <<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "6: b"]],
    ["one of ONBUILD", ["FROM a", "ONBUILD RUN <<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["one behind an option", ["FROM a", "RUN --mount=type=x <<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["one that does not end", ["FROM a", "RUN <<EOF", "FROM x"], ["1: a"]],

    ["<< in double quotes", ["FROM a", 'RUN python3 -c "print(1 <<20)"', "FROM b"], ["1: a", "3: b"]],
    ["<< with a word in double quotes", ["FROM a", 'RUN echo " <<HEADER>> "', "FROM b"], ["1: a", "3: b"]],
    ["<< in single quotes", ["FROM a", "RUN sh -c 'cat <<EOF > x'", "FROM b"], ["1: a", "3: b"]],
    ["<< among quotes", ["FROM a", "RUN echo 'cout <<\"hi\"' > a.cpp", "FROM b"], ["1: a", "3: b"]],
    ["<< in JSON", ["FROM a", 'RUN ["sh","-c","cat <<EOF"]', "FROM b"], ["1: a", "3: b"]],
    ["<< in JSON, as a word of its own", ["FROM a", 'COPY ["x <<EOF y", "/"]', "FROM b"], ["1: a", "3: b"]],
    ["<< in JSON of ONBUILD", ["FROM a", 'ONBUILD RUN [ "x", " <<EOF" ]', "FROM b"], ["1: a", "3: b"]],
    ["<< in what only looks like JSON", ["FROM a", "RUN [ x ] <<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["<< within a word", ["FROM a", "RUN echo x<<EOF", "FROM b"], ["1: a", "3: b"]],
    ["<<<", ["FROM a", "RUN cat <<<EOF", "FROM b"], ["1: a", "3: b"]],
    ["<< without a word", ["FROM a", "RUN x <<", "FROM b"], ["1: a", "3: b"]],
    ["<< with an empty word", ["FROM a", "RUN x <<''", "FROM b"], ["1: a", "3: b"]],
    ["<< where a quote is not closed", ["FROM a", "RUN echo it's <<EOF", "FROM b"], ["1: a", "3: b"]],
    ["<< where an operator is not BuildKit's", ["FROM a", "RUN echo ${A^^} <<EOF", "FROM b"], ["1: a", "3: b"]],
    ["<< where one is", ["FROM a", "RUN ${A#*/} ${A//x/y} <<EOF", "FROM x", "EOF", "FROM b"], ["1: a", "5: b"]],
    ["<< before a variable", ["FROM a", "RUN cat <<$EOF", "FROM x", "$EOF", "FROM b"], ["1: a", "5: b"]],
    ["<< of another instruction", ["FROM a", "WORKDIR <<EOF", "CMD x <<EOF", "FROM b"], ["1: a", "4: b"]],
    ["<< of ONBUILD in ONBUILD", ["FROM a", "ONBUILD ONBUILD RUN <<EOF", "FROM b"], ["1: a", "3: b"]],
    ["<< in a comment", ["FROM a", "# RUN <<EOF", "FROM b"], ["1: a", "3: b"]],
])("%s", (_what, lines, stages) => {
    expect(stagesOf(lines)).toEqual(stages);
});

test("arguments before the first stage, with quotes and escape characters", () => {
    const lines = ["ARG A B=1 C='x y' \\", ' D="a=b" E=\\ x', "arg F=", "FROM a", "ARG G=1"];
    expect(readStages(lines.join("\n")).args).toEqual([
        { name: "A", value: undefined },
        { name: "B", value: "1" },
        { name: "C", value: "'x y'" },
        { name: "D", value: '"a=b"' },
        { name: "E", value: "\\ x" },
        { name: "F", value: "" },
    ]);
});

test.each<[string, boolean]>([
    ["FROM a", true],
    ["# syntax=docker/dockerfile:1", true],
    ["# syntax = docker.io/docker/dockerfile-upstream:master", true],
    ["# syntax=mirror.example/docker/dockerfile@sha256:0", true],
    ["# syntax=crazymax/dockerfile-x", false],
    ["# syntax=example.com/mine:1", false],
])("%s", (line, isPlain) => {
    expect(isPlainDockerfile(readStages(`${line}\nFROM a`))).toBe(isPlain);
});
