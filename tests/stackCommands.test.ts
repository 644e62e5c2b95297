import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

jest.setTimeout(60_000);

const checkout = path.resolve(__dirname, "..");
const pulumi = [path.join(checkout, "tools/bin"), ...(process.env.PATH ?? "").split(":")]
    .map((folder) => path.join(folder, "pulumi"))
    .find((file) => existsSync(file));

// The real scripts and the real pulumi; only what would set up the machine, deploy or show a stack is noted instead.
(pulumi ? describe : describe.skip)("make up and make down", () => {
    let folder: string;
    const write = (file: string, ...lines: string[]) => {
        mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
        writeFileSync(path.join(folder, file), `${lines.join("\n")}\n`);
        chmodSync(path.join(folder, file), 0o755);
    };

    beforeEach(() => {
        folder = mkdtempSync(path.join(tmpdir(), "nbx-commands-"));
        for (const file of ["tools/env.sh", "tools/stack.sh", "tools/up.sh", "tools/down.sh", "Pulumi.yaml"]) {
            cpSync(path.join(checkout, file), path.join(folder, file));
        }
        const note = `>>'${folder}/calls'`;
        write("tools/setup.sh", "#!/bin/sh", `echo setup ${note}`);
        write("examples/encoder/prepare.sh", "#!/bin/sh", `echo prepare ${note}`);
        write("tools/bin/node", "#!/bin/sh", `cat >/dev/null; echo summary ${note}`);
        write(
            "tools/bin/pulumi",
            "#!/bin/sh",
            'case "$1 $2" in',
            `"up "* | "destroy "*) echo "$1 $3, plugins \${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION:+not }fetched" ${note} ;;`,
            '"stack output") echo "{}" ;;',
            `*) exec '${pulumi}' "$@" ;;`,
            "esac",
        );
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    function run(script: string, ...args: string[]): string[] {
        rmSync(path.join(folder, "calls"), { force: true });
        const { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: _, ...inherited } = process.env;
        execFileSync("sh", [path.join(folder, "tools", script), ...args], {
            stdio: "pipe",
            env: {
                ...inherited,
                HOME: folder,
                PULUMI_HOME: path.join(folder, "pulumi"),
                NATIVE_BUILDX_HOME: path.join(folder, "data"),
                PULUMI_BACKEND_URL: "",
            },
        });
        return readFileSync(path.join(folder, "calls"), "utf8").trim().split("\n");
    }
    const configure = (stack: string, runnerType: string) =>
        write(`Pulumi.${stack}.yaml`, "config:", `  native-buildx:runnerType: ${runnerType}`);

    it("set the machine up, make the stack where there is none, and go on with it", () => {
        expect(run("up.sh")).toEqual(["setup", "up dev, plugins not fetched", "summary"]);
        expect(run("down.sh")).toEqual(["setup", "destroy dev, plugins not fetched"]);
    });

    it("make the example's inputs for a stack that builds it", () => {
        write("Pulumi.dev.yaml", "config:", "  native-buildx:images: {app: {context: examples/encoder/app}}");
        expect(run("up.sh")).toContain("prepare");
    });

    it.each(["ec2", '"ec2"', "'ec2' # runners at AWS"])("let Pulumi fetch plugins for runnerType: %s", (runnerType) => {
        configure("prod", runnerType);
        expect(run("up.sh", "prod")).toEqual(["setup", "up prod, plugins fetched", "summary"]);
        expect(run("down.sh", "prod")).toEqual(["setup", "destroy prod, plugins fetched"]);
    });

    it("do not for local runners, whatever another stack has", () => {
        configure("prod", "ec2");
        configure("mine", "local");
        expect(run("up.sh", "mine")).toContain("up mine, plugins not fetched");
    });

    it("leave the text of a stack's file as it was written, with what Pulumi adds for secrets", () => {
        const written = [
            "# mine",
            "config:",
            "  native-buildx:images:",
            "    app: {tags: [1.0], args: {MODE: 0644}}",
            "",
        ];
        write("Pulumi.PR-12.yaml", ...written);
        run("up.sh", "PR-12");
        const text = () => readFileSync(path.join(folder, "Pulumi.PR-12.yaml"), "utf8");
        const [salt = "", ...others] = text()
            .split("\n")
            .filter((line) => !written.includes(line));
        expect(salt).toMatch(/^encryptionsalt: v1:/);
        expect(others).toEqual([]);
        const after = text();
        run("up.sh", "PR-12");
        expect(text()).toBe(after);
    });
});
