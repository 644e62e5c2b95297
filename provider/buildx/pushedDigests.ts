import type { RawProgress } from "../progress/rawProgress";

/** What BuildKit calls the push of a manifest, or with attestations of an index, under a tag; it says so before it begins. */
const push = /^pushing manifest for \S+@(\w+:[0-9a-f]+)$/;

/** The digests that a build is about to push, or has pushed, by a piece of its progress. */
export function pushedDigests({ statuses = [] }: RawProgress): string[] {
    return statuses.flatMap(({ id }) => push.exec(id)?.[1] ?? []);
}
