import { totalLengthMistakes } from "./totalLength";

const configOf = (secret: string, namespace = "native-buildx") => ({
    [`${namespace}:runners`]: "local",
    [`${namespace}:buildSecrets`]: JSON.stringify({ token: "T", key: secret }),
});

test.each([
    ["one value", "x".repeat(128_000)],
    ["newlines, which are escaped twice", "x\n".repeat(32_000)],
    ["signs that Go escapes", "<".repeat(21_400)],
])("settings that are too long for one variable are refused, with the longest named: %s", (_what, secret) => {
    expect(totalLengthMistakes(configOf(secret))).toEqual([
        expect.stringMatching(
            /^buildSecrets\.key: all settings together are 12\d{4} bytes as Pulumi .* may be 128000; this value, 12\d{4} of them, .*let the steps fetch/,
        ),
    ]);
});

test("settings that fit, and those of a project with another name, are not", () => {
    expect(totalLengthMistakes(configOf("x".repeat(127_000)))).toEqual([]);
    expect(totalLengthMistakes(configOf("x".repeat(129_000), "app"))).toEqual([]);
});
