import { fromProject } from "./fromProject";

const project = "/home/me/shop";
const at = (context: string, contexts = {}) => fromProject({ context, contexts }, project);

test.each([
    [`${project}/app`, "app"],
    [`${project}/app/`, "app"],
    [project, "."],
    ["/home/me/common", "../common"],
    ["app", "app"],
    ["./app", "./app"],
    ["https://example.org/repo.git#main:app", "https://example.org/repo.git#main:app"],
    ["git@example.org:repo.git", "git@example.org:repo.git"],
])("context %s is %s in the state", (context, kept) => {
    expect(at(context).context).toBe(kept);
});

test("named contexts too: folders, and layouts with what is behind their path", () => {
    const contexts = {
        files: `${project}/files`,
        layout: `oci-layout://${project}/layout:1.0`,
        near: "oci-layout://layout",
        image: "docker-image://example.org/app",
        base: { "linux/amd64": "docker-image://example.org/base@sha256:0" },
    };
    expect(at("app", contexts).contexts).toEqual({
        ...contexts,
        files: "files",
        layout: "oci-layout://layout:1.0",
    });
});
