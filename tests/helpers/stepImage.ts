import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { checkout } from "./checkout";

/** Both platforms, and how images and files name them. */
export const platforms = { "linux/amd64": "amd64", "linux/arm64": "arm64" } as const;
export type Arch = "amd64" | "arm64";
export const archs: readonly Arch[] = Object.values(platforms);

const stepSource = path.join(checkout, "tests/e2e/step");

/** Where it is built: another checkout's program may be another. */
const stepFolder = path.join(tmpdir(), `native-buildx-step-${process.getuid?.()}-${digestOfSource()}`);

function digestOfSource(): string {
    const text = readFileSync(path.join(stepSource, "main.go"));
    return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** The program in the test images, for any architecture that Go knows; built once. */
export function stepBinary(arch: string): string {
    const file = path.join(stepFolder, `step-${arch}`);
    if (!existsSync(file)) {
        mkdirSync(stepFolder, { recursive: true });
        execFileSync("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", `${file}.${process.pid}`, "."], {
            cwd: stepSource,
            env: { ...process.env, GOARCH: arch, CGO_ENABLED: "0" },
        });
        renameSync(`${file}.${process.pid}`, file);
    }
    return file;
}

/** `RUN` lines start with this: an image of nothing but the step program. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the Dockerfile's own
export const fromStep = ["FROM scratch", "ARG TARGETARCH", "COPY step-${TARGETARCH} /step"];

/** A step that takes so many seconds. */
export const asleepFor = (seconds: number) => `RUN ["/step", "sleep", "${seconds}"]`;

/** A step that writes a text into file `/result`. */
export const writes = (text: string) => `RUN ["/step", "write", "/result", "${text}"]`;

/** A step that prints a text so many times; escapes in it are Go's. */
export const prints = (text: string, count: number) => `RUN ["/step", "print", ${JSON.stringify(text)}, "${count}"]`;
