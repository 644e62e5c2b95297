import { parsePart, partText, type Receipt, receiptOf } from "../../provider/progress/receipt";

/** A receipt with what the build cost, where its runner has a price. US dollars. */
export interface PricedReceipt extends Receipt {
    /** The price of the instance's time from the request to wake it to the end of the build. */
    price?: number;
    /** The price of the idle time after the build, if nothing else is built in it. */
    idlePrice?: number;
    /** In its place, where the runner never stops: the price of an hour. */
    endlessHour?: number;
}

/** By image, then by platform. */
export type Receipts = { [image: string]: { [platform: string]: PricedReceipt } };

/**
 * Receipts as text, for people and for programs that read them again: a line for each image and platform, then an indented
 * line for each part of its build. The first line names the machine where that was not the runner's own: `on TYPE of RUNNER`.
 *
 *     app linux/arm64  2026-11-25T10:00:00.000Z  waking 1.20 s  building 12.34 s  sent 4567 bytes
 *            0.00 s      2.00 s  context  [internal] load build context
 *            2.00 s      cached  step     [2/3] COPY . /
 *       emulated  cc1 (0123456789abcdef): docs/emulation.md says what is faster
 */
export function receiptsText(receipts: Receipts): string {
    return Object.entries(receipts)
        .flatMap(([image, platforms]) =>
            Object.entries(platforms).flatMap(([platform, receipt]) => linesOf(`${image} ${platform}`, receipt)),
        )
        .join("\n");
}

function linesOf(what: string, receipt: PricedReceipt): string[] {
    const { began, waking, total, sending, on, parts, emulated, price, idlePrice, endlessHour } = receipt;
    const head = [
        what,
        began,
        `waking ${waking.toFixed(2)} s`,
        `building ${total.toFixed(2)} s`,
        `sent ${sending.bytes} bytes`,
        ...(on ? [`on ${on.type} of ${on.runner}`] : []),
        ...(price === undefined ? [] : [`$${price.toFixed(4)}`]),
        ...(idlePrice === undefined ? [] : [`idle after it $${idlePrice.toFixed(4)}`]),
        ...(endlessHour === undefined ? [] : [`never stops, $${endlessHour.toFixed(4)} an hour`]),
    ];
    return [
        head.join("  "),
        ...parts.map((part) => `  ${partText(part)}`),
        ...(emulated ? [`${emulatedMark}${emulated.join(", ")}${emulatedAdvice}`] : []),
    ];
}

const headPattern =
    /^(\S+) (\S+) {2}(\S+) {2}waking ([\d.]+) s {2}building ([\d.]+) s {2}sent (\d+) bytes(?: {2}on (\S+) of (\S+))?/;
const emulatedMark = "  emulated  ";
const emulatedAdvice = ": docs/emulation.md says what is faster";

/** Reads what `receiptsText` has written, without the prices. */
export function parseReceipts(text: string): Receipts {
    const receipts: Receipts = {};
    const blocks = text.split(/\n(?=\S)/).map((block) => block.split("\n"));
    for (const [head = "", ...lines] of blocks) {
        const found = headPattern.exec(head);
        const [, image = "", platform = "", began = "", waking, total, sentBytes, type, runner] = found ?? [];
        if (found) {
            const parts = lines.filter((line) => !line.startsWith(emulatedMark)).map(parsePart);
            const emulated = lines
                .filter((line) => line.startsWith(emulatedMark))
                .flatMap((line) => line.slice(emulatedMark.length, -emulatedAdvice.length).split(", "));
            const receipt = receiptOf({
                platform,
                parts,
                sentBytes: Number(sentBytes),
                total: Number(total),
                emulated,
            });
            const on = type && runner ? { on: { type, runner } } : {};
            receipts[image] = { ...receipts[image], [platform]: { ...receipt, ...on, began, waking: Number(waking) } };
        }
    }
    return receipts;
}
