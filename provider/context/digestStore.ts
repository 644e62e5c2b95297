import { DigestLog, type Identified } from "./digestLog";

/** Bytes of a file that is small. */
const small = 65_536n;

/** So many small files are read as fast as what is kept of them: only those after them are kept. */
const fewSmall = 1000;

/**
 * Digests of files, kept between processes, so that an `up` of a large context that has not changed need not read it. Small
 * files are in a log of their own: it is read where there are many of them, and does not push the large ones out.
 */
export class DigestStore {
    private readonly large: DigestLog;
    private readonly small: DigestLog;
    private smallFiles = 0;

    constructor(file: string) {
        this.large = new DigestLog(file);
        this.small = new DigestLog(`${file}-small`);
    }

    digestOf(stats: Identified): Buffer | undefined {
        if (stats.size < small) {
            this.smallFiles += 1;
        }
        return this.logOf(stats)?.digestOf(stats);
    }

    /** @param now nanoseconds since 1970 when the file began to be read */
    add(file: Buffer, stats: Identified, digest: Buffer, now: bigint): void {
        this.logOf(stats)?.add(file, stats, digest, now);
    }

    private logOf({ size }: Identified): DigestLog | undefined {
        if (size >= small) {
            return this.large;
        }
        return this.smallFiles > fewSmall ? this.small : undefined;
    }
}
