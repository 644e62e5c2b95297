import type { Platform } from "../components/architecture";
import type { Receipts } from "../components/image/receiptText";

/** Seconds that the builds took, by platform. */
export function builtSeconds(receipts: Receipts, platforms: Platform[]): Map<Platform, number> {
    const secondsOf = (platform: Platform) =>
        Object.values(receipts).reduce((sum, image) => sum + (image[platform]?.total ?? 0), 0);
    return new Map(platforms.map((platform) => [platform, secondsOf(platform)]));
}

/** Seconds of those steps of an image's build, all together, whose names have `text` in them. @throws where none was run */
export function stepSeconds(receipts: Receipts, image: string, platform: Platform, text: string): number {
    const parts = receipts[image]?.[platform]?.parts ?? [];
    const steps = parts.filter(({ name, cached }) => name.includes(text) && !cached);
    if (steps.length === 0) {
        throw new Error(`no step "${text}" was run for ${image} ${platform}`);
    }
    return steps.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** Megabytes (10^6 bytes) that the runners asked for in the builds of an image. */
export function sentMegabytes(receipts: Receipts, image: string): number {
    return Object.values(receipts[image] ?? {}).reduce((sum, { sending }) => sum + sending.bytes, 0) / 1e6;
}
