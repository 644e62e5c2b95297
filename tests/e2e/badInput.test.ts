import { createServer, type Server } from "node:net";
import { describeHere } from "../helpers/needs";
import { fromStep } from "../helpers/stepImage";
import { Project } from "./project";

jest.setTimeout(120_000);

describeHere("bad input", () => {
    let project: Project;
    let stranger: Server | undefined;

    beforeAll(async () => {
        project = await Project.create("bad");
        project.context("image", fromStep);
        await project.init();
    });

    afterAll(async () => {
        stranger?.close();
        await project?.end();
    });

    it("is answered by one error with every mistake, before anything is made", async () => {
        stranger = createServer().listen(project.port + 1, "127.0.0.1");
        project.configure({
            platforms: ["linux/amd64", "linux/amd64", "linux/sparc"],
            idleMinutes: -1,
            images: {
                gone: { context: "nowhere" },
                odd: { context: "image", tags: ["a b"], bases: ["absent"], dockerfle: "x" },
                one: { context: "image", bases: ["two"] },
                two: { context: "image", bases: ["one"], dockerfile: "image/Nothing" },
            },
        });
        const { code, output } = await project.up();

        expect(code).not.toBe(0);
        for (const mistake of [
            /platforms: unknown platform "linux\/sparc"; use: linux\/amd64, linux\/arm64, /,
            /platforms: "linux\/amd64" is there twice; take one out/,
            /idleMinutes: must be a number of minutes from 0 to 10080, not -1/,
            /images\.gone\.context: folder nowhere does not exist/,
            /images\.odd\.dockerfle: no such key/,
            /images\.two\.dockerfile: file image\/Nothing does not exist/,
            /images: a cycle of bases: one -> two -> one/,
            /localPort: port \d+, for the linux\/amd64 runner, is in use by something else/,
        ]) {
            expect(output).toMatch(mistake);
        }
        // Once as it happens, once among the diagnostics at the end.
        expect(output.match(/The configuration has mistakes:/g)).toHaveLength(2);
        expect(await project.state("amd64")).toBe("absent");
        expect(output).not.toMatch(/native-buildx:index:PlatformImage/);
    });

    it.each([
        [
            "a runner type that does not exist",
            { runners: "azure" },
            /runners: there is no "azure"; use one of: local, ec2, kubernetes/,
        ],
        [
            "a registry's name that is an address",
            { registryHost: "127.0.0.1" },
            /registryHost: "127.0.0.1" must be a host name/,
        ],
        [
            "a name that nobody knows",
            { registryHost: "no.such.invalid" },
            /registryHost: no\.such\.invalid is not known/,
        ],
        [
            "a base that is not declared",
            { images: { a: { context: "image", bases: ["b"] } } },
            /images\.a\.bases: "b": no such image/,
        ],
        [
            "a malformed tag",
            { images: { a: { context: "image", tags: ["-x"] } } },
            /images\.a\.tags: "-x" is not a tag/,
        ],
    ])("%s", async (_name, settings, mistake) => {
        stranger?.close();
        stranger = undefined;
        const fine = {
            runners: "local",
            platforms: ["linux/amd64"],
            idleMinutes: 15,
            images: {},
            registryHost: "registry.native-buildx.internal",
        };
        project.configure({ ...fine, ...settings });
        const { code, output } = await project.pulumi("preview");

        expect(code).not.toBe(0);
        expect(output).toMatch(mistake);
    });
});
