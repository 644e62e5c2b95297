import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../../tests/helpers/temporaryFolder";

const mount = {
    destination: "/dev/.native-toolchain",
    type: "bind",
    source: '/a folder/"quoted"',
    options: ["rbind", "ro"],
};
const given = {
    process: { args: ["sh", "-c", 'echo \'{"destination":"/dev/pts"\''] },
    mounts: [{ destination: "/dev" }, { destination: "/dev/pts" }, { destination: "/dev/shm" }],
};

describe("runc of a runner that emulates", () => {
    let folder: string;
    let bundle: string;

    beforeEach(() => {
        folder = temporaryFolder();
        bundle = path.join(folder, "a bundle");
        mkdirSync(bundle);
        copyFileSync(path.join(__dirname, "runcWithToolchain.sh"), path.join(folder, "runc.sh"));
        mkdirSync(path.join(folder, "bin"));
        writeFileSync(path.join(folder, "bin/runc"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 42\n", { mode: 0o755 });
        writeFileSync(path.join(bundle, "config.json"), JSON.stringify(given));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const putToolchain = () => writeFileSync(path.join(folder, "toolchain.json"), `${JSON.stringify(mount)}\n`);
    const config = () => JSON.parse(readFileSync(path.join(bundle, "config.json"), "utf8"));

    /** What runc was told. */
    function run(...words: string[]): string[] {
        const env = { ...process.env, PATH: `${folder}/bin:${process.env.PATH}` };
        const { status, stdout, stderr } = spawnSync("sh", [path.join(folder, "runc.sh"), ...words], {
            encoding: "utf8",
            env,
        });
        expect({ status, stderr }).toEqual({ status: 42, stderr: "" });
        return stdout.trimEnd().split("\n");
    }

    it.each([["-b"], ["--bundle"], ["--bundle="]])("has the toolchain behind /dev, of a bundle by %s", (option) => {
        putToolchain();
        const words = option.endsWith("=") ? [`${option}${bundle}`] : [option, bundle];
        expect(run("--log", "a file", "run", ...words, "name")).toEqual(["--log", "a file", "run", ...words, "name"]);
        const [dev, ...others] = given.mounts;
        expect(config()).toEqual({ ...given, mounts: [dev, mount, ...others] });
        expect(readdirSync(bundle)).toEqual(["config.json"]);
    });

    it("leaves everything as it is where no toolchain was made", () => {
        expect(run("run", "--bundle", bundle, "name")).toEqual(["run", "--bundle", bundle, "name"]);
        expect(config()).toEqual(given);
    });

    it("leaves everything as it is that it does not know", () => {
        putToolchain();
        writeFileSync(path.join(bundle, "config.json"), "{}");
        run("run", "--bundle", bundle, "name");
        expect(config()).toEqual({});
        run("kill", "name", "KILL");
    });

    it("runs the step where it cannot change anything", () => {
        putToolchain();
        rmSync(path.join(bundle, "config.json"));
        const words = ["run", "--bundle", bundle, "name"];
        const env = { ...process.env, PATH: `${folder}/bin:${process.env.PATH}` };
        const { status, stdout } = spawnSync("sh", [path.join(folder, "runc.sh"), ...words], { encoding: "utf8", env });
        expect([status, stdout]).toEqual([42, `${words.join("\n")}\n`]);
    });
});
