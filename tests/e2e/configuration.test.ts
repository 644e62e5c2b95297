import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { checkout } from "../helpers/checkout";
import { describeHere } from "../helpers/needs";
import type { Result } from "./commands";
import { Project } from "./project";

jest.setTimeout(120_000);

/** Writes down what the configuration has become; nothing is built. */
const program = `
import { writeFileSync } from "node:fs";
import { readSettings } from ${JSON.stringify(path.join(checkout, "configuration/readSettings"))};
export = async () => {
    const { buildSecrets, ...settings } = await readSettings("configuration");
    buildSecrets.apply((secrets) => writeFileSync("settings.json", JSON.stringify({ ...settings, buildSecrets: secrets })));
};
`;

interface Read {
    images: { [name: string]: { [key: string]: unknown } };
    buildSecrets: { [name: string]: string };
}

describeHere("a stack file, read by the real engine", () => {
    let project: Project;
    let salt: string;
    const file = (name: string) => path.join(project.folder, name);
    const stackFile = () => file("Pulumi.configuration.yaml");

    beforeAll(async () => {
        project = await Project.create("configuration");
        project.context("app", ["FROM scratch"]);
        rmSync(file("index.ts"));
        writeFileSync(file("index.ts"), program);
        await project.init();
        salt = /^encryptionsalt: .*$/m.exec(readFileSync(stackFile(), "utf8"))?.[0] ?? "";
    });
    afterAll(() => project?.end());

    /** What the program gets of a stack file. @param yaml settings @param before what is before section config */
    const preview = async (yaml: string, { withSalt = true, before = "" } = {}): Promise<Result> => {
        const lines = yaml.replaceAll(/^/gm, "  ");
        const port = `  native-buildx:localPort: ${project.port}`;
        writeFileSync(stackFile(), `${withSalt ? `${salt}\n` : ""}${before}config:\n${port}\n${lines}\n`);
        return again();
    };
    const again = (): Promise<Result> => {
        rmSync(file("settings.json"), { force: true });
        return project.pulumi("preview");
    };
    const settings = (): Read => JSON.parse(readFileSync(file("settings.json"), "utf8"));

    const withArgs = (...args: string[]) =>
        ["native-buildx:images:", "  app:", "    context: app", "    args:", ...args.map((arg) => `      ${arg}`)].join(
            "\n",
        );

    it("gives numbers and booleans as they are written, and quoted texts", async () => {
        await project.succeed(
            preview(
                withArgs(
                    "NUMBER: 1",
                    "NEGATIVE: -7",
                    "LONG: 9007199254740991",
                    "ON: true",
                    "OFF: false",
                    'QUOTED: "3.10"',
                    "MODE: '0644'",
                    'DATE: "2024-01-01"',
                    'EMPTY: ""',
                    "YES: yes",
                    "THREE: 1.2.10",
                    "TIME: 1:30",
                ),
            ),
        );
        expect(settings().images.app?.args).toEqual({
            NUMBER: "1",
            NEGATIVE: "-7",
            LONG: "9007199254740991",
            ON: "true",
            OFF: "false",
            QUOTED: "3.10",
            MODE: "0644",
            DATE: "2024-01-01",
            EMPTY: "",
            YES: "yes",
            THREE: "1.2.10",
            TIME: "1:30",
        });
    });

    it("is refused where YAML has changed what was written, all of it at once", async () => {
        const written = ["3.10", "1.0", "0644", "0o644", "08", "0x1F", "1_000", "1e3", "+5", "True"];
        const long = ["12345678901234567890123", "9007199254740993"];
        const times = ["2024-01-01", "2024-01-01T10:00:00Z"];
        const all = [...written, ...long, ...times];
        const { code, output } = await preview(
            `${withArgs(...all.map((value, at) => `A${at}: ${value}`))}\nnative-buildx:buildkitVersion: 0.30`,
        );

        expect(code).not.toBe(0);
        for (const [at, value] of all.entries()) {
            expect(output).toContain(`of ${value}; quote it: "${value}"`);
            expect(output).toMatch(new RegExp(`- images\\.app\\.args\\.A${at}: YAML makes `));
        }
        expect(output).toContain('buildkitVersion: YAML makes 0.3 of 0.30; quote it: "0.30"');
        expect(existsSync(file("settings.json"))).toBe(false);
    });

    it("is refused where what YAML has changed comes by a merge", async () => {
        const merged = withArgs("<<: [*first, {NAME: app}, *second]", "OWN: 2.0");
        const commons = "x-first: &first { BUILD: 1.0, OWN: 1.0 }\nx-second: &second { BUILD: 3.0, MODE: 0644 }\n";
        const { code, output } = await preview(merged, { before: commons });

        expect(code).not.toBe(0);
        const mistakes = [...output.matchAll(/images\.app\.args\.(\w+): YAML makes \S+ of (\S+);/g)];
        expect(mistakes.map(([, name, written]) => `${name} ${written}`).sort()).toEqual([
            "BUILD 1.0",
            "MODE 0644",
            "OWN 2.0",
        ]);
    });

    it("is refused also where Pulumi has written the file anew before", async () => {
        const { code, output } = await preview(withArgs("V: 3.10", "D: 2024-01-01"), { withSalt: false });

        expect(readFileSync(stackFile(), "utf8")).toMatch(/V: 3\.1\n/);
        expect(code).not.toBe(0);
        expect(output).toContain(
            "images.app.args.V: YAML and Pulumi shorten numbers, 3.1 may have been 3.10; quote it",
        );
        expect(output).toContain("images.app.args.D: YAML has made a point in time of it");
    });

    it("is refused with every value of a wrong type", async () => {
        const { code, output } = await preview(
            [
                "native-buildx:images: '{}'",
                "native-buildx:idleMinutes: soon",
                "native-buildx:platforms: linux/amd64",
                "native-buildx:forceDelete: 7",
                "native-buildx:idleMinute: 7",
            ].join("\n"),
        );

        expect(code).not.toBe(0);
        for (const mistake of [
            'images: must be NAME: {context: FOLDER}, not "{}"',
            'idleMinutes: must be a number of minutes from 0 to 10080, not "soon"',
            'platforms: must be a list of at least one of: linux/amd64, linux/arm64, linux/arm/v7, linux/riscv64, not "linux/amd64"',
            'forceDelete: must be true or false, not "7"',
            "idleMinute: no such setting; docs/configuration.md lists all settings",
        ]) {
            expect(output).toContain(`  - ${mistake}\n`);
        }
    });

    it("has secrets by the command of the message, word for word", async () => {
        const names = [".npmrc", "pip.conf", "npm_Token-2", "7", "größe", "it's a b", 'a"b'];
        const { code, output } = await preview(
            `native-buildx:images: ${JSON.stringify({ app: { context: "app", secrets: names } })}`,
        );
        expect(code).not.toBe(0);
        const remedies = [...output.matchAll(/set it by: (pulumi config set .*)$/gm)].map(
            ([, command]) => command as string,
        );
        const commands = [...new Set(remedies)];
        expect(commands).toHaveLength(names.length);

        for (const command of commands) {
            await project.succeed(project.run("sh", ["-c", `${command} --stack configuration`]));
        }
        await project.succeed(again());
        expect(settings().buildSecrets).toEqual(Object.fromEntries(names.map((name) => [name, "VALUE"])));
        expect(readFileSync(stackFile(), "utf8")).not.toContain("VALUE");
    });

    it("has no secret in plain text, beside others that are none either", async () => {
        const command = (name: string, value: string) =>
            project.pulumi("config", "set", "--secret", "--path", `buildSecrets.${name}`, value);
        await project.succeed(preview("native-buildx:images: {}"));
        await project.succeed(command("token", "FIRST"));
        await project.succeed(again());
        const written = readFileSync(stackFile(), "utf8");
        for (const [line, name] of [
            ["plain: S3CR3T", "plain"],
            ['plain: "0S3CR3T"', "plain"],
            ["pin: 007", "pin"],
            ["<<: {plain: S3CR3T}", "plain"],
        ]) {
            writeFileSync(stackFile(), written.replace("buildSecrets:", `buildSecrets:\n    ${line}`));
            const { code, output } = await again();
            expect(code).not.toBe(0);
            expect(output).toContain(
                `  - buildSecrets.${name}: is in plain text in the stack's file; take it out, give it up where you got it, and ` +
                    `set another by: pulumi config set --secret --path buildSecrets.${name} VALUE\n`,
            );
            expect(output.match(/^ +- /gm)).toHaveLength(1);
            expect(output).not.toMatch(/S3CR3T|007/);
        }
        writeFileSync(stackFile(), written);
        await project.succeed(command("plain", "007"));
        await project.succeed(again());
        expect(settings().buildSecrets).toEqual({ token: "FIRST", plain: "007" });
    });

    it("has no secret where an image cannot keep it one", async () => {
        await project.succeed(preview("native-buildx:images: {app: {context: app}}"));
        const set = (name: string, value: string) =>
            project.pulumi("config", "set", "--secret", "--path", `images.app.${name}`, value);
        await project.succeed(set("args.TOKEN", "S3CR3T"));
        await project.succeed(set('overrides["linux/amd64"].args.TOKEN', "S3CR3T"));
        await project.succeed(again());
        expect(settings().images.app).toMatchObject({ args: { TOKEN: "S3CR3T" } });
        await project.succeed(set("contexts.other", "https://host/a.tgz?sig=S3CR3T"));
        await project.succeed(set('overrides["linux/amd64"].target', "S3CR3T"));
        const { code, output } = await again();
        expect(code).not.toBe(0);
        for (const at of ["contexts.other", 'overrides["linux/amd64"].target']) {
            expect(output).toContain(
                `  - images.app.${at}: is a secret, and would be in plain text in the state; set it without --secret, and ` +
                    "have what is secret in it in buildSecrets\n",
            );
        }
        expect(output).not.toContain("S3CR3T");
        await project.succeed(project.pulumi("config", "set", "--secret", "images", '{"app": {"context": "app"}}'));
        expect((await again()).output).toContain("  - images: is a secret, and would be");
    });

    it("has no secret in plain text in a file elsewhere, and says so where it does not know the file", async () => {
        await project.succeed(preview("native-buildx:images: {}"));
        await project.succeed(project.pulumi("config", "set", "--secret", "--path", "buildSecrets.token", "FIRST"));
        const [before, written] = [file("Pulumi.yaml"), stackFile()].map((name) => readFileSync(name, "utf8"));
        const elsewhere = path.join("stacks", path.basename(stackFile()));
        mkdirSync(file("stacks"));
        writeFileSync(file(elsewhere), `${written}`.replace("buildSecrets:", "buildSecrets:\n    plain: S3CR3T"));
        rmSync(stackFile());
        const byOption = await project.pulumi("preview", "--config-file", elsewhere);
        writeFileSync(file("Pulumi.yaml"), `${before}\nstackConfigDir: stacks\n`);
        const byProject = await again();
        writeFileSync(file("Pulumi.yaml"), `${before}`);
        writeFileSync(stackFile(), `${written}`);

        expect(byProject.code).not.toBe(0);
        expect(byProject.output).toContain("- buildSecrets.plain: is in plain text in the stack's file; ");
        await project.succeed(Promise.resolve(byOption));
        expect(byOption.output).toMatch(
            /buildSecrets: whether (token, plain|plain, token) are in plain text cannot be /,
        );
        expect(`${byOption.output}${byProject.output}`).not.toContain("S3CR3T");
    });

    it("has a secret of many lines, to its last byte, by the command of docs/configuration.md", async () => {
        const secret = "-----BEGIN KEY-----\n  two\n\n-----END KEY-----\n\n";
        writeFileSync(file("deploy"), secret);
        const page = readFileSync(path.join(checkout, "docs/configuration.md"), "utf8");
        const [command = ""] = /pulumi config set --secret --raw --path buildSecrets\.deployKey < \S+/.exec(page) ?? [];
        await project.succeed(preview("native-buildx:images: {}"));

        const script = `${command.replace(/< \S+$/, "< deploy")}`;
        await project.succeed(project.run("sh", ["-c", script.replace("set ", "set --stack configuration ")]));
        await project.succeed(again());
        expect(settings().buildSecrets).toEqual({ deployKey: secret });
    });

    it("is refused where it is another project's, or nobody's", async () => {
        const yaml = readFileSync(file("Pulumi.yaml"), "utf8");
        writeFileSync(file("Pulumi.yaml"), yaml.replace(/^name: .*/, "name: acme-images"));
        await project.init();
        const { code, output } = await preview("nativebuildx:idleMinutes: 7\naws:region: eu-central-1");
        writeFileSync(file("Pulumi.yaml"), yaml);

        expect(code).not.toBe(0);
        const told = (key: string, setting: string) =>
            `  - ${key}: is not read in project acme-images; write acme-images:${setting}`;
        expect(output).toContain(`${told("native-buildx:localPort", "localPort")}\n`);
        expect(output).toContain(`${told("nativebuildx:idleMinutes", "idleMinutes")}, or if something else reads it, `);
        expect(output).not.toContain("aws:region");
    });
});
