import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { hiderOf } from "../hiddenSecrets";
import { bothEnds, LastLines, plainText } from "./plainText";

test.each([
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["a cursor that moves", "a\x1b[2K\x1b[1Gb\x1b[?25l", "ab"],
    ["a window's title", "\x1b]0;title\x07text", "text"],
    ["a link", "\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "text"],
    ["a string for the terminal", "\x1bPq#0\x1b\\text", "text"],
    ["sequences of eight bits", "\x9b31mred\x9d0;title\x9ctext", "redtext"],
    ["another character set", "\x1b(0text\x1bM", "text"],
    ["a sequence that is cut off", "text\x1b[31", "text"],
    ["a title that is cut off", "text\x1b]0;ti", "text"],
    ["control characters", "a\x00b\x07c\x08d\x7fe\x85f", "abcdef"],
    ["tabulators", "a\tb", "a b"],
    ["a change of the direction of writing", "a\u202eb\u2066c", "abc"],
    ["text of other languages", "größer 日本 🙂", "größer 日本 🙂"],
])("%s", (_what, given, plain) => {
    expect(plainText(given)).toBe(plain);
});

test("a long line is cut off", () => {
    expect(plainText("x".repeat(1000))).toBe(`${"x".repeat(400)}...`);
});

test("no character is cut in two", () => {
    const faces = `x${"\u{1f600}".repeat(2500)}`;
    const lines = new LastLines(1);
    // Of what is kept of it, most is colour.
    lines.write(Buffer.from(`${"\x1b[31m".repeat(790)}${faces}`));
    for (const shown of [plainText(faces), plainText(faces.slice(1)), bothEnds(`x${faces}`), ...lines.all()]) {
        expect(shown).toMatch(/\u{1f600}(\.\.\.)?$/u);
        expect(shown.isWellFormed()).toBe(true);
    }
    expect(bothEnds(`${faces.slice(1)}x`).isWellFormed()).toBe(true);
});

describe("the last lines", () => {
    const written = (count: number, ...pieces: string[]) => {
        const lines = new LastLines(count);
        for (const piece of pieces) {
            lines.write(Buffer.from(piece, "latin1"));
        }
        return lines;
    };

    test.each<[string, string[], string[]]>([
        ["of many", ["1\n2\n3\n", "4\n"], ["2", "3", "4"]],
        ["of a piece of very many", [`${"0\n".repeat(1000)}1\n2\n3\n`], ["1", "2", "3"]],
        ["of a piece of very many, the last of which goes on", ["0\n1\n2\n3\n4", "4\n"], ["2", "3", "44"]],
        ["with the one that is being written", ["1\n2\nth", "ree"], ["1", "2", "three"]],
        ["of which each is what was written over it last", ["10 %\r50 %\r", "100 %\nend\n"], ["100 %", "end"]],
        ["of which each begins with a carriage return", ["\r10 %\r50 %", "\r60 %"], ["60 %"]],
        ["of Windows", ["one\r\ntwo\r\n"], ["one", "two"]],
        ["without empty ones at the end", ["one\n\n\n"], ["one"]],
        ["with a letter in two pieces", ["gr\xc3", "\xb6\xc3\x9fer\n"], ["größer"]],
        ["of bytes that are no text", ["\xff\xfe end\n"], ["\ufffd\ufffd end"]],
        ["with a sequence in two pieces", ["\x1b[3", "1mred\n"], ["red"]],
    ])("%s", (_what, pieces, lines) => {
        expect(written(3, ...pieces).all()).toEqual(lines);
    });

    test("of two streams: lines do not mix, and those of the quieter one stay", () => {
        const lines = new LastLines(5);
        lines.write(Buffer.from("half a "), 1);
        lines.write(Buffer.from("error: 1\nerror: 2\n"), 2);
        lines.write(Buffer.from(`line\n${"noise\n".repeat(30)}`), 1);
        expect(lines.all()).toEqual(["error: 1", "error: 2", "noise", "noise", "noise"]);
        lines.write(Buffer.from("an end"), 2);
        expect(lines.last()).toBe("an end");
    });

    test("with a secret hidden, in a line that is longer than what is kept of it, or that goes on", () => {
        const secret = "0123456789".repeat(1000);
        const hide = hiderOf({ key: { [specialSigKey]: specialSecretSig, value: secret } });
        const lines = new LastLines(3, hide);
        lines.write(Buffer.from(`one ${secret}\ntwo ${secret}\rthree\r\nfour ${secret.slice(0, 50)}`));
        expect(lines.all()).toEqual(["one [secret]", "three", "four [secret]"]);
        expect(lines.last()).toBe("four [secret]");
    });

    test("the last that says something", () => {
        expect(written(3, "one\n\n  \n").last()).toBe("one");
        expect(written(3).last()).toBe("");
    });
});
