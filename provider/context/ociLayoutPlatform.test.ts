import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { temporaryFolder } from "../../tests/helpers/temporaryFolder";
import { ociLayoutPlatform } from "./ociLayoutPlatform";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const digestOf = (content: object) => `sha256:${createHash("sha256").update(JSON.stringify(content)).digest("hex")}`;
const tagged = (tag: string) => ({ "org.opencontainers.image.ref.name": tag });
const named = (name: string) => ({ "io.containerd.image.name": name });

let layouts = 0;
/** A new layout of images by their annotations; each is an index, or an image by its configuration. */
function layout(...images: [annotations: { [name: string]: string }, content: object][]): string {
    const name = `layout-${layouts++}`;
    const blobs = path.join(folder, name, "blobs");
    mkdirSync(path.join(blobs, "sha256"), { recursive: true });
    const blob = (content: object) => {
        const digest = digestOf(content);
        writeFileSync(path.join(blobs, digest.replace(":", "/")), JSON.stringify(content));
        return digest;
    };
    const manifests = images.map(([annotations, content]) => ({
        digest: blob("manifests" in content ? content : { config: { digest: blob(content) } }),
        annotations,
    }));
    writeFileSync(path.join(folder, name, "index.json"), JSON.stringify({ manifests }));
    return name;
}

const [amd64, arm] = [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm", variant: "v7" },
];
const several = { manifests: [] };
const platformOf = (rest: string) => ociLayoutPlatform(`oci-layout://${rest}`, folder);

test("of the only image, whatever its name is", () => {
    expect(platformOf(layout([{}, amd64]))).toBe("linux/amd64");
    expect(platformOf(`${layout([tagged("1.0"), arm])}:2.0`)).toBe("linux/arm/v7");
    expect(platformOf(layout([tagged("1.0"), several]))).toBe("index");
    expect(ociLayoutPlatform(`oci-layout://${path.join(folder, layout([{}, amd64]))}`, "/")).toBe("linux/amd64");
});

test("of the image that is meant, by its digest, its name or its tag", () => {
    const name = layout([tagged("1.0"), amd64], [tagged("latest"), arm], [tagged("2.0"), several], [named("2.0"), arm]);
    expect(platformOf(name)).toBe("linux/arm/v7");
    expect(platformOf(`${name}:1.0`)).toBe("linux/amd64");
    expect(platformOf(`${name}:2.0`)).toBe("linux/arm/v7");
    expect(platformOf(`${name}:latest@${digestOf({ config: { digest: digestOf(amd64) } })}`)).toBe("linux/amd64");
});

test("is not told where the image cannot be read, or says none", () => {
    const name = layout([tagged("1.0"), amd64], [tagged("2.0"), arm]);
    expect([name, `${name}:3.0`, "gone", layout([{}, {}]), layout()].map(platformOf)).toEqual(Array(5).fill(undefined));
    rmSync(path.join(folder, name, "blobs"), { recursive: true });
    expect(platformOf(`${name}:1.0`)).toBeUndefined();
});
