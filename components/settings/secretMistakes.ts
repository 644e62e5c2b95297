/** Longest secret, in bytes: the kernel's limit for a variable, in which buildx gets it. */
const longestSecret = 128 * 1024 - 100;

/**
 * What is wrong with the value of a build's secret, in words that show nothing of it. Pulumi keeps texts only: a value that
 * was none has U+FFFD in the place of its bytes.
 */
export function secretMistake(value: unknown): string | undefined {
    if (typeof value !== "string") {
        return "must be a text";
    }
    if (/[\0\ufffd]/.test(value)) {
        return "has bytes that are no text; set it in base64 (base64 < FILE), and decode it in the step (base64 -d)";
    }
    return Buffer.byteLength(value) > longestSecret
        ? `is longer than ${longestSecret} bytes, which is more than buildx can be given; let the step fetch it`
        : undefined;
}

/** @throws with what is wrong with each secret, which its id names */
export function refuseSecrets(secrets: { [id: string]: unknown } = {}): void {
    const mistakes = Object.entries(secrets).flatMap(([id, value]) => {
        const mistake = secretMistake(value);
        return mistake ? [`Secret ${id} ${mistake}.`] : [];
    });
    if (mistakes.length > 0) {
        throw new Error(mistakes.join("\n"));
    }
}
