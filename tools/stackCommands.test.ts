import { existsSync, writeFileSync } from "node:fs";
import { describeStacks } from "./stackBench";

jest.setTimeout(60_000);

describeStacks("make up and make down", (bench) => {
    const configure = (stack: string, runners: string) =>
        bench().write(`Pulumi.${stack}.yaml`, "config:", `  native-buildx:runners: ${runners}`);

    it("set the machine up, make the stack where there is none, and go on with it", () => {
        expect(bench().run("up.sh")).toEqual(["setup", "up dev, plugins not fetched", "connect --prepare", "summary"]);
        expect(bench().run("down.sh")).toEqual(["setup", "destroy dev, plugins not fetched"]);
    });

    it("take no stack down that there is not, nor make it: its name may be wrong", () => {
        bench().run("up.sh");
        const { status, stderr } = bench().shell(bench().path("tools/down.sh"), "prdo");
        expect(status).not.toBe(0);
        expect(stderr).toMatch(/prdo.*\nNothing was removed/);
        const { stdout } = bench().shell("-c", ". ./tools/env.sh && pulumi stack ls --json");
        expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).toEqual(["dev"]);
    });

    it("know the folder of a file backend that the project's file names", () => {
        for (const text of ["backend:\n  url: file:///own # ours", 'backend: {url: "file:///own"}']) {
            bench().write("Pulumi.yaml", "name: native-buildx", text);
            expect(bench().shell("-c", ". ./tools/env.sh && . ./tools/stack.sh && state_folder").stdout).toBe(
                "/own/.pulumi\n",
            );
        }
    });

    it("know the project by its name, with quotes and a comment or without", () => {
        bench().write("Pulumi.yaml", 'name: "Acme" # ours', "runtime: nodejs");
        const words = '. ./tools/env.sh && . ./tools/stack.sh && project_name && stack_folder "organization/Acme/PR-1"';
        expect(bench().shell("-c", words).stdout).toBe(`Acme\n${bench().path("data/acme-pr-1")}\n`);
    });

    it("make the example's inputs for a stack that builds it", () => {
        bench().write("Pulumi.dev.yaml", "config:", "  native-buildx:images: {app: {context: examples/encoder/app}}");
        expect(bench().run("up.sh")).toContain("prepare");
    });

    it("make none where a comment alone names the example", () => {
        bench().write(
            "Pulumi.dev.yaml",
            "config:",
            "  # As in examples/encoder",
            "  native-buildx:images: {app: {context: app}}",
        );
        expect(bench().run("up.sh")).not.toContain("prepare");
    });

    it("find a stack's file in the folder that the project's file names, and for a name with its organization", () => {
        writeFileSync(bench().path("Pulumi.yaml"), 'stackConfigDir: "stacks/" # ours\n', { flag: "a" });
        bench().write(
            "stacks/Pulumi.prod.yaml",
            "config:",
            "  native-buildx:runners: ec2",
            "  native-buildx:images: {app: {context: examples/encoder/app}}",
        );
        const name = "organization/native-buildx/prod";
        const made = ["setup", "prepare", `up ${name}, plugins fetched`, "connect --prepare", "summary"];
        expect(bench().run("up.sh", name)).toEqual(made);
        expect(bench().run("up.sh", name)).toEqual(made);
        expect(existsSync(bench().path("data/native-buildx-prod"))).toBe(true);
        expect(bench().run("down.sh", "prod")).toEqual(["setup", "destroy prod, plugins fetched"]);
        expect(existsSync(bench().path("data/native-buildx-prod"))).toBe(false);
    });

    it.each(["ec2", '"ec2"', "'ec2' # runners at AWS"])("let Pulumi fetch plugins for runners: %s", (runners) => {
        configure("prod", runners);
        expect(bench().run("up.sh", "prod")).toEqual([
            "setup",
            "up prod, plugins fetched",
            "connect --prepare",
            "summary",
        ]);
        expect(bench().run("down.sh", "prod")).toEqual(["setup", "destroy prod, plugins fetched"]);
    });

    it("do not for local runners, whatever another stack has", () => {
        configure("prod", "ec2");
        configure("mine", "local");
        expect(bench().run("up.sh", "mine")).toContain("up mine, plugins not fetched");
    });

    it("leave the text of a stack's file as it was written, with what Pulumi adds for secrets", () => {
        const written = [
            "# mine",
            "config:",
            "  native-buildx:images:",
            "    app: {tags: [1.0], args: {MODE: 0644}}",
            "",
        ];
        bench().write("Pulumi.PR-12.yaml", ...written);
        bench().run("up.sh", "PR-12");
        const text = () => bench().read("Pulumi.PR-12.yaml");
        const [salt = "", ...others] = text()
            .split("\n")
            .filter((line) => !written.includes(line));
        expect(salt).toMatch(/^encryptionsalt: v1:/);
        expect(others).toEqual([]);
        const after = text();
        bench().run("up.sh", "PR-12");
        expect(text()).toBe(after);
    });
});
