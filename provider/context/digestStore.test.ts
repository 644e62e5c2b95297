import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describeUnless } from "../../tests/helpers/needs";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { hasTrustedTimes } from "./digestLog";
import { DigestStore } from "./digestStore";

const untrusted = hasTrustedTimes("/tmp") ? undefined : "/tmp is on no file system whose digests are kept";

describeUnless(untrusted)("digests that are kept between processes", () => {
    let folder: string;
    let file: string;
    let log: string;
    beforeEach(() => {
        folder = temporaryFolder();
        file = path.join(folder, "file");
        log = path.join(folder, "store/digests");
        fs.writeFileSync(file, "a".repeat(100_000));
    });
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    const digest = createHash("sha256").update("the digest").digest();
    const stats = () => fs.statSync(file, { bigint: true });
    const minuteLater = () => stats().ctimeNs + 60_000_000_001n;
    const written = () => new Promise((resolve) => setImmediate(resolve));

    /** Adds the file as it is, and opens the store as the next process does. */
    async function reopened(now = minuteLater()): Promise<DigestStore> {
        new DigestStore(log).add(Buffer.from(file), stats(), digest, now);
        await written();
        return new DigestStore(log);
    }

    it("knows a file that was left alone", async () => {
        expect((await reopened()).digestOf(stats())).toEqual(digest);
    });

    it("does not know a file that was written, though its size and time are what they were", async () => {
        fs.utimesSync(file, 1_600_000_000, 1_600_000_000);
        const { size, mtimeNs, ino } = stats();
        const store = await reopened();
        fs.writeFileSync(file, "b".repeat(100_000));
        fs.utimesSync(file, 1_600_000_000, 1_600_000_000);
        expect(stats()).toMatchObject({ size, mtimeNs, ino });
        expect(store.digestOf(stats())).toBeUndefined();
    });

    it("does not know another file that took its place", async () => {
        const store = await reopened();
        fs.copyFileSync(file, `${file}.new`);
        fs.renameSync(`${file}.new`, file);
        expect(store.digestOf(stats())).toBeUndefined();
    });

    it("does not keep what was written less than a minute before", async () => {
        expect((await reopened(minuteLater() - 2n)).digestOf(stats())).toBeUndefined();
    });

    it("keeps small files where there are many, which would take longer to read than the store", async () => {
        fs.writeFileSync(file, "small");
        expect((await reopened()).digestOf(stats())).toBeUndefined();
        expect(fs.existsSync(log)).toBe(false);
        const asked = () => {
            const store = new DigestStore(log);
            const answers = Array.from({ length: 1001 }, () => store.digestOf(stats()));
            return { store, answers };
        };
        asked().store.add(Buffer.from(file), stats(), digest, minuteLater());
        await written();
        expect(asked().answers).toEqual([...Array(1000), digest]);
        // Among themselves.
        expect(fs.existsSync(log)).toBe(false);
    });

    it("begins anew when it has become large", async () => {
        await reopened();
        fs.truncateSync(log, (64 << 20) + 1);
        expect(new DigestStore(log).digestOf(stats())).toBeUndefined();
        expect((await reopened()).digestOf(stats())).toEqual(digest);
        expect(fs.statSync(log).size).toBeLessThan(1000);
    });

    it("reads over what an interrupted write has left", async () => {
        await reopened();
        fs.appendFileSync(log, "\n1 2 3");
        const store = await reopened();
        expect(store.digestOf(stats())).toEqual(digest);
        expect(fs.readFileSync(log, "utf8")).toContain("\n1 2 3\n");
    });

    it("does without a store that cannot be read or written", async () => {
        fs.mkdirSync(log, { recursive: true });
        expect((await reopened()).digestOf(stats())).toBeUndefined();
    });

    it("is the user's own", async () => {
        await reopened();
        expect(fs.statSync(log).mode & 0o777).toBe(0o600);
    });
});
