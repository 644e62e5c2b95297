import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { describeUnless } from "../../tests/helpers/needs";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { sourceLabels } from "./sourceLabels";

const revision = "org.opencontainers.image.revision";
const created = "org.opencontainers.image.created";

describe("the commit of a folder's repository", () => {
    const folder = temporaryFolder();
    const environment = process.env;
    const commits: { [repository: string]: string } = {};
    const date = "2026-11-01T10:00:00+01:00";

    const git = (repository: string, ...args: string[]) =>
        execFileSync("git", ["-C", path.join(folder, repository), "-c", "user.name=n", "-c", "user.email=e", ...args], {
            encoding: "utf8",
            stdio: "pipe",
            env: { ...environment, GIT_COMMITTER_DATE: date },
        }).trim();

    beforeAll(() => {
        for (const name of ["app", "other"]) {
            mkdirSync(path.join(folder, name, "sub"), { recursive: true });
            git(name, "init", "--quiet");
            git(name, "commit", "--quiet", "--allow-empty", "--message", name);
            commits[name] = git(name, "rev-parse", "HEAD");
        }
    });
    afterEach(() => {
        process.env = environment;
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    const expected = (name: string) => ({ [revision]: commits[name], [created]: date });

    test("is that of the folder, wherever it is in the repository", async () => {
        expect(await sourceLabels("app", folder, {})).toEqual(expected("app"));
        expect(await sourceLabels("app/sub", folder, {})).toEqual(expected("app"));
        expect(await sourceLabels(".", folder, {})).toEqual({});
    });

    test("is that of the folder, also in a hook of another repository", async () => {
        const other = path.join(folder, "other");
        process.env = {
            ...environment,
            GIT_DIR: path.join(other, ".git"),
            GIT_WORK_TREE: other,
            GIT_INDEX_FILE: path.join(other, ".git/index"),
        };
        expect(await sourceLabels("app", folder, {})).toEqual(expected("app"));
    });

    test("is known where git's log shows signatures, which come first", async () => {
        // Signs whatever it is given, and says of each signature that it is good.
        const signer = path.join(folder, "signer.sh");
        const lines = [
            "#!/bin/sh",
            // Read to its end: to git a closed pipe is a failure.
            "cat >/dev/null",
            'case "$*" in *--verify*) echo "[GNUPG:] GOODSIG 0 me"; echo "gpg: Good signature" >&2; exit ;; esac',
            "echo '[GNUPG:] SIG_CREATED ' >&2",
            "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n'",
        ];
        writeFileSync(signer, `${lines.join("\n")}\n`, { mode: 0o755 });
        git("other", "config", "gpg.program", signer);
        git("other", "config", "log.showSignature", "true");
        git("other", "commit", "--quiet", "--gpg-sign", "--allow-empty", "--message", "signed");
        commits.other = git("other", "rev-parse", "HEAD");
        expect(git("other", "log", "-1", "--format=%H")).toContain("gpg: Good signature");
        expect(await sourceLabels("other", folder, {})).toEqual(expected("other"));
    });

    describeUnless(process.getuid?.() === 0 ? undefined : "not root")("of another user", () => {
        const giveAway = () => execFileSync("chown", ["--recursive", "12345", path.join(folder, "app")]);

        test("is known, as in a CI job's container", async () => {
            giveAway();
            expect(() => git("app", "log", "-1")).toThrow(/dubious ownership/);
            expect(await sourceLabels("app", folder, {})).toEqual(expected("app"));
        });

        test("is asked for without the programs that the repository names", async () => {
            const mark = path.join(folder, "ran");
            const settings = { "extensions.partialClone": "origin", "remote.origin.url": `ext::touch ${mark}` };
            for (const [name, value] of Object.entries({ ...settings, "protocol.ext.allow": "always" })) {
                git("app", "config", "--file", ".git/config", name, value);
            }
            const branch = git("app", "-c", "safe.directory=*", "branch", "--show-current");
            writeFileSync(path.join(folder, "app/.git/refs/heads", branch), `${"1".repeat(40)}\n`);
            giveAway();
            expect(await sourceLabels("app", folder, {})).toEqual({});
            expect(existsSync(mark)).toBe(false);
        });
    });
});

test("the commit of a context in git is the one that its server named", async () => {
    const context = "https://git.example/app.git#main";
    expect(await sourceLabels(context, "/", { [context]: "abc" })).toEqual({ [revision]: "abc" });
    expect(await sourceLabels(context, "/", {})).toEqual({});
});
