import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { hashFolder, sentFiles } from "./contextHash";

/** The mode that links have here, as with macOS, which takes it from the umask. */
let mockMode = 0o777n;

jest.mock("node:fs", () => {
    const real = jest.requireActual<typeof fs>("node:fs");
    const lstatSync = (file: Buffer, options: { bigint: true }) => {
        const stats = real.lstatSync(file, options);
        if (stats.isSymbolicLink()) {
            stats.mode = (stats.mode & ~0o777n) | mockMode;
        }
        return stats;
    };
    return { ...real, lstatSync };
});

const folder = temporaryFolder();
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test("a link's own mode, which does not arrive, is not in the hash", async () => {
    fs.writeFileSync(path.join(folder, "file"), "");
    fs.symlinkSync("file", path.join(folder, "link"));
    const plain = await hashFolder(folder, {});
    mockMode = 0o755n;
    expect(fs.lstatSync(path.join(folder, "link"), { bigint: true }).mode & 0o777n).toBe(0o755n);
    expect(await hashFolder(folder, {})).toBe(plain);
    const link = (await sentFiles(folder, {})).find(({ type }) => type === "link");
    expect(link?.mode).toBe(0o777);
});
