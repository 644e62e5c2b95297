import type { Registry } from "../registry/registry";
import type { Mistake } from "./imageMistakes";
import type { MultiPlatformImageArgs } from "./multiPlatformImage";
import { noRepositoryName, repositoryNameRule, repositoryPath } from "./repositoryName";

/** Which image of this program has which tag: of each registry by `repository:tag`, the image's name. */
const taken = new WeakMap<Registry, Map<string, string>>();

/**
 * What is wrong with where an image is pushed. Its tags are its own from then on.
 *
 * @param tags of the index
 */
export function placeMistakes(name: string, args: MultiPlatformImageArgs, tags: string[]): Mistake[] {
    return [...nameMistakes(name, args), ...registryMistakes(args), ...tagMistakes(name, args, tags)];
}

/** Of the name that it has in the registry, its own unless it is told another. */
function nameMistakes(name: string, { repository }: MultiPlatformImageArgs): Mistake[] {
    const [at, given] = repository === undefined ? ["name", name] : ["repository", repository];
    const more = at === "name" ? ", or give it another one by repository" : "";
    return repositoryPath.test(given)
        ? []
        : [{ at: [at], what: `"${given}" ${noRepositoryName}; ${repositoryNameRule}${more}` }];
}

/** One that has to be started is started by its builder. */
function registryMistakes({ builder, registry }: MultiPlatformImageArgs): Mistake[] {
    const what = `nothing starts it; give builder ${builder.builder} this registry, or push to the builder's`;
    return registry.prepare && builder.registry !== registry ? [{ at: ["registry"], what }] : [];
}

/** Two images would take a tag from one another at every `up` that builds one of them. */
function tagMistakes(name: string, { registry, repository = name }: MultiPlatformImageArgs, tags: string[]): Mistake[] {
    const images = taken.get(registry) ?? new Map<string, string>();
    taken.set(registry, images);
    return tags.flatMap((tag) => {
        const at = `${repository}:${tag}`;
        const owner = images.get(at) ?? name;
        images.set(at, owner);
        return owner === name
            ? []
            : [{ at: ["tags"], what: `${at} is image ${owner}'s; choose another tag or repository` }];
    });
}
