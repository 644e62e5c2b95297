/** A branch or tag, or all whose names begin alike: `*` at the end stands for the rest. */
export interface Ref {
    type: "branch" | "tag";
    name: string;
}

/**
 * What may follow the name of a repository, after a colon: a branch, `refs/heads/BRANCH` or `refs/tags/TAG`. `*` at the end
 * stands for the rest of the name. git allows none of the characters that are refused here, except `$`, which begins a
 * variable of IAM.
 */
export const refPattern = "(?!refs/(?!heads/|tags/))[^\\s~^:?*[\\\\$]+\\*?";

/** For messages. */
export const refWords = "BRANCH or :refs/tags/TAG";

/** The entry's name, and the branches and tags that it means: without a colon, all. Pull requests are not among them. */
export function splitEntry(entry: string): { name: string; refs: Ref[] } {
    const [name = "", ref] = entry.split(/:(.*)/s);
    return { name, refs: ref === undefined ? everyRef : [refOf(ref)] };
}

const everyRef: Ref[] = [
    { type: "branch", name: "*" },
    { type: "tag", name: "*" },
];

function refOf(text: string): Ref {
    const [, folder, rest] = /^refs\/(heads|tags)\/(.*)$/s.exec(text) ?? [];
    return folder === "tags" ? { type: "tag", name: rest ?? "" } : { type: "branch", name: rest ?? text };
}

/** As git writes it in full: `refs/heads/main`. */
export function fullRef({ type, name }: Ref): string {
    return `refs/${type === "tag" ? "tags" : "heads"}/${name}`;
}
