import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, resolved, settled } from "../../../tests/helpers/pulumiMocks";
import { GenericRegistry, type GenericRegistryArgs, genericRegistryProblems, loginOf } from "./genericRegistry";
import { kind } from "./kind";

describe("GenericRegistry", () => {
    beforeEach(mockPulumi);
    afterEach(settled);

    it.each([
        ["docker.io/acme", "docker.io", "docker login"],
        ["ghcr.io/acme", "ghcr.io", "docker login ghcr.io"],
        ["registry.gitlab.com/acme/tools/app", "registry.gitlab.com", "docker login registry.gitlab.com"],
        ["harbor.example:8443/team", "harbor.example:8443", "docker login harbor.example:8443"],
    ])("at %s logs in at %s", async (registryUrl, address, command) => {
        const registry = new GenericRegistry("r", {
            registryUrl,
            registryUser: "ci",
            registryToken: pulumi.secret("T"),
        });
        expect(await resolved(registry.repositoryOf("app"))).toBe(`${registryUrl}/app`);
        const login = registry.login?.([]) as pulumi.Output<object>;
        expect(await resolved(login)).toMatchObject({ address, username: "ci", password: "T" });
        expect(await pulumi.isSecret(login)).toBe(true);
        expect(await resolved(registry.loginCommand)).toBe(command);
    });

    it("leaves the login to docker where it has none", () => {
        expect(new GenericRegistry("r", { registryUrl: "ghcr.io/acme" }).login).toBeUndefined();
    });

    it("takes no token that turns out to be none for a password", () => {
        const args = { registryUrl: "r.example/a", registryUser: "u" };
        expect(loginOf("r", args, "T")).toMatchObject({ address: "r.example", username: "u", password: "T" });
        expect(() => loginOf("r", args, undefined)).toThrow(
            "GenericRegistry r: registryToken: the value is undefined. Is its name right where it comes from",
        );
    });

    it("takes a token in plain text for a secret all the same", async () => {
        const registry = new GenericRegistry("r", {
            registryUrl: "r.example/a",
            registryUser: "u",
            registryToken: "T",
        });
        expect(await pulumi.isSecret(registry.login?.([]) as pulumi.Output<unknown>)).toBe(true);
    });
});

describe("the arguments of a GenericRegistry", () => {
    beforeEach(mockPulumi);
    afterEach(settled);

    it.each<[object, string]>([
        [{}, "registryUrl: is not set; write where images are pushed"],
        [{ registryUrl: 7 }, "registryUrl: must be a text, not 7"],
        [{ registryUrl: "ghcr.io/acme", token: "T" }, "token: no such key; there are registryUrl, registryUser"],
    ])("are refused, %j", (args, mistake) => {
        expect(() => new GenericRegistry("r", args as GenericRegistryArgs)).toThrow(mistake);
    });

    it("are known when the program runs", () => {
        const registryUrl = pulumi.output("ghcr.io/acme") as never;
        expect(() => new GenericRegistry("r", { registryUrl })).toThrow(
            "registryUrl: must be known when the program runs; an output is not",
        );
    });
});

describe("genericRegistryProblems", () => {
    it.each([
        "docker.io/acme",
        "ghcr.io/acme",
        "registry.gitlab.com/acme/tools/app",
        "localhost/team",
        "r.example:5000/a.b_c__d-e",
    ])("takes %s", (registryUrl) => {
        expect(genericRegistryProblems({ registryUrl })).toEqual([]);
    });

    it.each([
        ["", "is not set; write where images are pushed, as in docker.io/ORGANIZATION, ghcr.io/OWNER"],
        ["https://ghcr.io/acme", '"https://ghcr.io/acme" begins with a scheme; write ghcr.io/acme'],
        ["acme", '"acme" names no host; write docker.io/acme for Docker Hub, or HOST/acme'],
        ["docker.io", "write docker.io/ORGANIZATION"],
        ["docker.io/acme/team", "write docker.io/ORGANIZATION, without more slashes"],
        ["index.docker.io/acme", "write docker.io/ORGANIZATION"],
        ["harbor.example", "names a host alone; write what images are pushed under too, as in harbor.example/TEAM"],
        ["ghcr.io/Acme", "capital letters, which names of images have not; write ghcr.io/acme"],
        ["ghcr.io/acme:latest", "and no tag"],
        ["ghcr.io/acme/", "cannot begin an image's name"],
        ["_r.example/a", '"_r.example" is not a host'],
    ])("refuses %j", (registryUrl, reason) => {
        expect(genericRegistryProblems({ registryUrl })).toEqual([expect.stringContaining(reason)]);
        expect(genericRegistryProblems({ registryUrl })[0]).toMatch(/^registryUrl: /);
    });

    it.each(["bob:S3KRET@r.example/a", "https://S3KRET@r.example/a", "bob:S3/KRET@r.example"])(
        "says where a login belongs, and does not show that in %s",
        (registryUrl) => {
            const [problem, ...more] = genericRegistryProblems({ registryUrl });
            expect(problem).toMatch(/^registryUrl: has an @; .* a login in registryUser and registryToken$/);
            expect(problem).not.toContain("S3");
            expect(more).toEqual([]);
        },
    );

    it.each<[Partial<GenericRegistryArgs>, RegExp]>([
        [{ registryUser: "ci" }, /^registryToken: is not set, and registryUser is; .*--secret registryToken/],
        [{ registryToken: "T" }, /^registryUser: is not set, and registryToken is; .*config set registryUser NAME/],
    ])("refuses half of a login, %j", (login, reason) => {
        expect(genericRegistryProblems({ registryUrl: "ghcr.io/acme", ...login })).toEqual([
            expect.stringMatching(reason),
        ]);
    });
});

describe("the settings of a generic registry", () => {
    const values = { registryUrl: "ghcr.io/acme", registryUser: "ci", registryToken: "TOKEN" };

    it.each([
        [["project:registryToken"], []],
        [[], [expect.stringMatching(/^registryToken: is in plain text .* pulumi config set --secret registryToken$/)]],
    ])("with secrets %j have mistakes %j", async (secrets, mistakes) => {
        const name = `${pulumi.getProject()}:registryToken`;
        pulumi.runtime.setAllConfig({ [name]: "TOKEN" }, secrets.length > 0 ? [name] : []);
        const found = await kind.mistakes(values, "demo-prod");
        expect(found).toEqual(mistakes);
        expect(found.join()).not.toContain("TOKEN");
    });
});
