// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the Dockerfile's own

import { expanded } from "./dockerfileWords";

const variables = new Map([
    ["A", "linux/amd64"],
    ["EMPTY", ""],
]);

// What each becomes was compared with BuildKit's own lexer.
test.each<[string, string | undefined]>([
    ["$A", "linux/amd64"],
    ["x${A}y", "xlinux/amd64y"],
    ["$UNSET.", "."],
    ["${EMPTY-x}${UNSET-y}", "y"],
    ["${EMPTY:-x}${UNSET:-y}${A:-z}", "xylinux/amd64"],
    ["${EMPTY+x}${UNSET+y}${A+z}", "xz"],
    ["${EMPTY:+x}${UNSET:+y}${A:+z}", "z"],
    ["${UNSET:-${EMPTY:-$A}}", "linux/amd64"],
    ["${UNSET:-'a}b'}", "a}b"],
    ["${UNSET:-a\\}b}", "a}b"],
    ["${A:?}${A:?message}${EMPTY?}", "linux/amd64linux/amd64"],
    ["'$A'", "$A"],
    ['"$A"', "linux/amd64"],
    ['"\\$A \\" \\x"', '$A " \\x'],
    ["\\$A\\x\\", "$Ax"],
    ["$1A$?$", "A$"],
    // What BuildKit refuses.
    ["${UNSET:?}", undefined],
    ["${EMPTY:?}", undefined],
    ["${UNSET?}", undefined],
    ["${A", undefined],
    ["${A:-x", undefined],
    ["${}", undefined],
    ["${A:x}", undefined],
    ["${A^^}", undefined],
    ["it's", undefined],
    ['"x', undefined],
    // What it understands, and this does not.
    ["${A#*/}", undefined],
    ["${A%/*}", undefined],
    ["${A/linux/x}", undefined],
])("%s", (text, expected) => {
    expect(expanded(text, { escapeChar: "\\", variables })).toBe(expected);
});

test("another escape character", () => {
    expect(expanded("`$A\\$A", { escapeChar: "`", variables })).toBe("$A\\linux/amd64");
});
