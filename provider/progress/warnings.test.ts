import { repositoryOf } from "../image/reference";
import { Warnings } from "./warnings";

const warning = { key: "url|casing|Dockerfile|3", text: "Dockerfile:3: casing", rule: "FromAsCasing" };

describe("warnings of a Dockerfile", () => {
    it("are said once for all platforms of an image, and for each image that has them", () => {
        const said: string[] = [];
        const work = { log: (severity: string, text: string) => said.push(`${severity} ${text}`) };
        const warnings = new Warnings();
        for (const tag of ["host:5000/app:1-amd64", "host:5000/app:1-arm64", "host:5000/other:1-amd64"]) {
            warnings.sayOnce(repositoryOf(tag), [warning], work);
        }
        expect(said).toEqual(["warning Dockerfile:3: casing", "warning Dockerfile:3: casing"]);
    });
});

describe("the repository of a reference", () => {
    it.each([
        ["host:5000/team/app:1.0-arm64", "host:5000/team/app"],
        ["host/app@sha256:0123", "host/app"],
        ["host:5000/app:1@sha256:0123", "host:5000/app"],
        ["host:5000/app", "host:5000/app"],
    ])("%s is %s", (reference, repository) => {
        expect(repositoryOf(reference)).toBe(repository);
    });
});
