import { type ReceiptPart, readReceipt, receiptOf, storedReceipt } from "../../provider/progress/receipt";
import { parseReceipts, type Receipts, receiptsText } from "./receiptText";

const parts: ReceiptPart[] = [
    { kind: "context", name: "[internal] load build context", start: 0, seconds: 2, cached: false },
    { kind: "step", name: "[2/3] COPY . /", start: 2, seconds: 0, cached: true },
    { kind: "step", name: '[3/3] RUN  echo "a  s  step [1/1] b"', start: 2.5, seconds: 1234.56, cached: false },
    { kind: "push", name: "pushing", start: 1237.06, seconds: 0.01, cached: false },
];
const receipt = (platform: string) => ({
    ...receiptOf({ platform, parts, sentBytes: 4567, total: 1240.1 }),
    ...{ began: "2026-11-25T10:00:00.000Z", waking: 1.2 },
});
const emulated = ["as (fcf1dd6273306e0e)", "cc1plus (334e8a99f31f3f45)"];
const receipts: Receipts = {
    app: { "linux/amd64": receipt("linux/amd64"), "linux/arm64": { ...receipt("linux/arm64"), emulated } },
    "base.image": {
        "linux/amd64": receipt("linux/amd64"),
        "linux/arm64": { ...receipt("linux/arm64"), on: { type: "c7i.xlarge", runner: "amd64" } },
    },
};

test("a line for each build, and a line for each of its parts", () => {
    const priced = { ...receipt("linux/arm64"), price: 0.012345, idlePrice: 0.05, emulated };
    expect(receiptsText({ app: { "linux/arm64": priced } }).split("\n")).toEqual([
        "app linux/arm64  2026-11-25T10:00:00.000Z  waking 1.20 s  building 1240.10 s  sent 4567 bytes  $0.0123  idle after it $0.0500",
        "       0.00 s      2.00 s  context  [internal] load build context",
        "       2.00 s      cached  step     [2/3] COPY . /",
        '       2.50 s   1234.56 s  step     [3/3] RUN  echo "a  s  step [1/1] b"',
        "    1237.06 s      0.01 s  push     pushing",
        "  emulated  as (fcf1dd6273306e0e), cc1plus (334e8a99f31f3f45): docs/emulation.md says what is faster",
    ]);
});

test("a machine that built in the place of the runner's own is said", () => {
    const on = { type: "m7g.xlarge", runner: "arm64_2" };
    const text = receiptsText({ app: { "linux/arm64": { ...receipt("linux/arm64"), on, price: 0.5 } } });
    expect(text.split("\n")[0]).toMatch(/ {2}sent 4567 bytes {2}on m7g\.xlarge of arm64_2 {2}\$0\.5000$/);
});

test("a runner that never stops is said", () => {
    const priced = { ...receipt("linux/arm64"), price: 0.012345, endlessHour: 0.15 };
    const text = receiptsText({ app: { "linux/arm64": priced } });
    expect(text.split("\n")[0]).toMatch(/ {2}\$0\.0123 {2}never stops, \$0\.1500 an hour$/);
    expect(parseReceipts(text)).toEqual({ app: { "linux/arm64": receipt("linux/arm64") } });
});

test("is read again as what it was made of", () => {
    expect(parseReceipts(receiptsText(receipts))).toEqual(receipts);
    expect(parseReceipts(receiptsText({}))).toEqual({});
});

test("a receipt comes out of the state as it went in", () => {
    for (const own of [receipt("linux/amd64"), { ...receipt("linux/arm64"), parts: [], emulated }]) {
        expect(readReceipt(storedReceipt(own))).toEqual(own);
    }
});
