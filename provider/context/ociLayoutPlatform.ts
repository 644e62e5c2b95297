import { readFileSync } from "node:fs";
import * as path from "node:path";
import { type ImageConfig, platformOfConfig } from "../image/imageConfig";
import { parseOciLayout } from "./ociLayout";

/** An image or an index of several, as far as it is read here. */
interface Manifest {
    config?: Descriptor;
    manifests?: Descriptor[];
}

interface Descriptor {
    digest: string;
    annotations?: { [name: string]: string };
}

/**
 * The platform of an image in a layout of this machine, by its configuration, as in `linux/arm64`; `index` where it is an
 * image for several platforms, of which BuildKit takes the one that it asks for. Undefined where it cannot be read: the build
 * says why.
 *
 * @param context as in `oci-layout://FOLDER:TAG`
 * @param from folder that a relative path starts from
 */
export function ociLayoutPlatform(context: string, from: string): string | undefined {
    const { folder, tag, digest } = parseOciLayout(context);
    const file = <T>(...names: string[]) => JSON.parse(readFileSync(path.resolve(from, folder, ...names), "utf8")) as T;
    const blob = <T>(name: string) => file<T>("blobs", ...name.split(":"));
    try {
        const chosen = digest ?? taggedDigest(file<Manifest>("index.json").manifests ?? [], tag);
        const { manifests, config } = blob<Manifest>(chosen);
        return manifests ? "index" : config && platformOfConfig(blob<ImageConfig>(config.digest));
    } catch {
        return undefined;
    }
}

/** The digest that buildx takes: of the image with that name, else with that tag, else of the only one. */
function taggedDigest(images: Descriptor[], tag: string): string {
    const annotated = (annotation: string) => images.find(({ annotations }) => annotations?.[annotation] === tag);
    const found =
        annotated("io.containerd.image.name") ??
        annotated("org.opencontainers.image.ref.name") ??
        (images.length === 1 ? images[0] : undefined);
    return found?.digest ?? "";
}
