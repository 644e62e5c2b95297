import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime/rpc";
import { hiderOf } from "./hiddenSecrets";
import { plainText } from "./progress/plainText";

const hiderFor = (...values: unknown[]) =>
    hiderOf({ args: values.map((value) => ({ [specialSigKey]: specialSecretSig, value })) });

const key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\ttab\r\nqqqqqqqqqqqq\ntrue\n-----END PRIVATE KEY-----\n";
const token = "eyJ".padEnd(600, "0123456789");

test.each([
    ["whole", `a ${key.trim()} b`, "a [secret] b"],
    ["on one line", `a ${key.replace(/[\r\n]/g, "").replace("\t", " ")} b`, "a [secret] b"],
    ["as Go quotes it", `parse ${JSON.stringify(key.trim())}: no URL`, 'parse "[secret]": no URL'],
    ["line by line", "  MIIEvQIBADAN\ttab\nqqqqqqqqqqqq", "  [secret]\n[secret]"],
    ["a line whose tabulator became a blank", "MIIEvQIBADAN tab", "[secret]"],
    ["but no line that is in too much else", "true -----BEGIN PRIVATE KEY-----", "true -----BEGIN PRIVATE KEY-----"],
    ["nor its beginning in a whole text", "MIIEvQIB", "MIIEvQIB"],
])("a secret of several lines is hidden: %s", (_what, text, shown) => {
    expect(hiderFor(key)(text)).toBe(shown);
});

test("of a text that was cut off the beginning of a secret at its end is hidden", () => {
    const hide = hiderFor(key, token);
    expect(hide(`a MIIEvQIB ${token.slice(0, 300)}`, true)).toBe("a MIIEvQIB [secret]");
    expect(hide("a MIIEvQIB", true)).toBe("a [secret]");
    expect(hide("a MIIEvQI", true)).toBe("a MIIEvQI");
});

test("a secret may be a number, or a boolean: in labels, say", () => {
    expect(hiderFor(987654321, false, null)("LABEL pin=987654321 off=false")).toBe("LABEL pin=[secret] off=[secret]");
});

test("what is hidden already stays so, whatever the secret is", () => {
    expect(hiderFor("secret")("[secret] secret")).toBe("[secret] [secret]");
});

test.each([
    ["a secret that is longer than what is shown", `a ${token} b`, "a [secret] b"],
    ["a secret where the text is cut off", `${"x".repeat(390)}${token}`, `${"x".repeat(390)}[secret]`],
    ["a secret with colours in it", `\x1b[1m${token.slice(0, 9)}\x1b[0m${token.slice(9)}`, "[secret]"],
    ["a secret with a login", "a https://me:word@host/path b", "a [secret] b"],
])("plain text hides %s", (_what, text, shown) => {
    expect(plainText(text, hiderFor(token, "https://me:word@host/path"))).toBe(shown);
});
