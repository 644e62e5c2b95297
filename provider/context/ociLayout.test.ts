import * as fs from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { hashOciLayout, parseOciLayout } from "./ociLayout";

const digest = `sha256:${"0".repeat(64)}`;

test.each([
    ["oci-layout://a/b", "a/b", "latest", undefined],
    ["oci-layout:///a/b:1.0", "/a/b", "1.0", undefined],
    [`oci-layout://./a@${digest}`, "./a", "latest", digest],
    [`oci-layout://a:1@${digest}`, "a", "1", digest],
    ["oci-layout://a@b/c", "a@b/c", "latest", undefined],
    // buildx looks for a tag anywhere behind the last colon.
    ["oci-layout://a:b/c", "a", "b/c", undefined],
    // So short a digest is none, and its end is a tag.
    ["oci-layout://a@sha256:0123", "a@sha256", "0123", undefined],
])("the folder of %s is %s, its tag %s, its digest %s", (context, folder, tag, expected) => {
    expect(parseOciLayout(context)).toEqual({ folder, tag, digest: expected });
});

test("an OCI layout is hashed by its index, and an image of it by its digest", async () => {
    const folder = temporaryFolder();
    const layout = path.join(folder, "layout");
    fs.mkdirSync(layout);
    await expect(hashOciLayout("oci-layout://layout:1", folder)).rejects.toThrow(`${layout}/index.json does not exist`);
    const hashes = async () => [
        await hashOciLayout("oci-layout://layout:1", folder),
        await hashOciLayout(`oci-layout://layout@${digest}`, folder),
    ];
    fs.writeFileSync(path.join(layout, "index.json"), "{}");
    const [tagged, pinned] = await hashes();
    fs.writeFileSync(path.join(layout, "index.json"), '{"manifests":[]}');
    const [taggedLater, pinnedLater] = await hashes();
    expect(taggedLater).not.toBe(tagged);
    expect(pinnedLater).toBe(pinned);
    fs.rmSync(folder, { recursive: true, force: true });
});
