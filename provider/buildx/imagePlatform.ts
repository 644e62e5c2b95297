import { platformOfConfig } from "../image/imageConfig";
import { runImagetools } from "./imagetools";
import type { BuildxProgram } from "./runBuildx";

/** Limit of a look at an image, in seconds: it must not depend on a registry that only the runner reaches. */
const lookSeconds = 5;

/**
 * The platform of an image in a registry, by its configuration, as in `linux/arm64`; `index` where it is an image for several
 * platforms, of which BuildKit takes the one that it asks for. Undefined where the registry does not answer the caller.
 */
export async function imagePlatformOf(buildx: BuildxProgram, ref: string): Promise<string | undefined> {
    const limit = AbortSignal.timeout(lookSeconds * 1000);
    const signal = buildx.signal ? AbortSignal.any([buildx.signal, limit]) : limit;
    const inspected = async (option: string) => {
        const { code, output } = await runImagetools({ ...buildx, signal }, ["inspect", option, "--", ref]);
        return code === 0 ? JSON.parse(output.toString("utf8")) : undefined;
    };
    // The manifest first: of an index every image would be read for the configuration.
    const manifest = await inspected("--raw");
    if (!manifest || manifest.manifests) {
        return manifest && "index";
    }
    return platformOfConfig((await inspected("--format={{json .Image}}")) ?? {});
}
