import { escapeXml } from "./xml";

test.each([
    ["what has a meaning in XML", `<a b="c & d">`, "&lt;a b=&quot;c &amp; d&quot;&gt;"],
    ["a tabulator, an end of a line and an emoji", "a\tb\n\u{1f600}\ufffd", "a\tb\n\u{1f600}\ufffd"],
    ["characters that XML has not", "a\0\x1b\x7f\ufffe\uffffb", "a\x7fb"],
    ["halves of characters", "a\ud83db\ude00c", "abc"],
])("%s", (_what, text, xml) => {
    expect(escapeXml(text)).toBe(xml);
});
