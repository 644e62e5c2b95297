import type { Hide } from "../hiddenSecrets";
import { BuildxText } from "./buildxText";

/** A step of a build, as BuildKit reports it; again and again while it changes. */
export interface Vertex {
    digest: string;
    /** Left out, as all that is empty. */
    name?: string;
    /** RFC 3339, by the runner's clock. */
    started?: string;
    completed?: string;
    cached?: boolean;
    error?: string;
}

/** A part of a step: a transfer, a push. */
export interface VertexStatus {
    id: string;
    vertex: string;
    current?: number;
    total?: number;
    started?: string;
    completed?: string;
}

/** A piece of a step's output. */
export interface VertexLog {
    vertex: string;
    /** 1 or 2, as the system numbers them. */
    stream?: number;
    /** In base64. */
    data?: string;
}

/** A warning, most likely of the Dockerfile's checks. */
export interface VertexWarning {
    vertex: string;
    /** In base64, as the details. */
    short?: string;
    detail?: string[];
    url?: string;
    sourceInfo?: { filename?: string; data?: string };
    range?: { start?: { line?: number } }[];
}

/** One line of `--progress rawjson`. */
export interface RawProgress {
    vertexes?: Vertex[];
    statuses?: VertexStatus[];
    logs?: VertexLog[];
    warnings?: VertexWarning[];
}

/** Longest line that is read, in bytes. BuildKit sends output in pieces; a warning has the whole Dockerfile in it. */
const longest = 16 * 1024 * 1024;

/**
 * Reads what `buildx --progress rawjson` writes to standard error, piece by piece: JSON lines, and after them, or in
 * their place, plain text (the error). Keeps one line at most.
 */
export class RawProgressReader {
    private pieces: Buffer[] = [];
    private size = 0;
    private readonly plain: BuildxText;

    /** @param hide of the secrets that the plain text may have. @default there are none */
    constructor(
        private readonly each: (progress: RawProgress) => void,
        hide?: Hide,
    ) {
        this.plain = new BuildxText(hide);
    }

    write(chunk: Buffer): void {
        let from = 0;
        for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
            this.keep(chunk.subarray(from, end));
            this.endLine();
            from = end + 1;
        }
        this.keep(chunk.subarray(from));
    }

    /** No more comes. */
    end(): void {
        if (this.size > 0) {
            this.endLine();
        }
    }

    /** Of the lines that were no progress: those about the error, and the last of the others. */
    text(): string[] {
        return this.plain.all();
    }

    private keep(piece: Buffer): void {
        this.size += piece.length;
        if (this.size <= longest) {
            this.pieces.push(piece);
        } else {
            this.pieces = [];
        }
    }

    private endLine(): void {
        const line = Buffer.concat(this.pieces);
        const isWhole = this.size <= longest;
        this.pieces = [];
        this.size = 0;
        const progress = isWhole && line[0] === 0x7b ? parsed(line) : undefined;
        if (progress) {
            this.take(progress);
        } else if (isWhole) {
            this.plain.write(line);
        }
    }

    /** Progress that nobody understands, as of a BuildKit to come, is left out: what follows may be the error. */
    private take(progress: RawProgress): void {
        try {
            this.each(progress);
        } catch {
            // It is of one line.
        }
    }
}

function parsed(line: Buffer): RawProgress | undefined {
    try {
        return JSON.parse(line.toString("utf8")) as RawProgress;
    } catch {
        return undefined;
    }
}
