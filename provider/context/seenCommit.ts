import { isCommit, parseGitContext } from "./gitContext";

/**
 * The address of a git context at the commit that its reference was seen to lead to. BuildKit fetches a reference without its
 * history, and refuses it once it leads to another commit: then `addressOfCommit` is left.
 */
export function addressAtCommit(address: string, commit: string): string {
    const { base, query, fragment } = partsOf(address);
    return isPinned(address) ? address : `${base}?${query ? `${query}&` : ""}checksum=${commit}${fragment}`;
}

/** The address of a git context with a commit in place of its reference. BuildKit fetches the commit's whole history. */
export function addressOfCommit(address: string, commit: string): string {
    const { base, query, fragment } = partsOf(address);
    const kept = new URLSearchParams(query);
    for (const name of ["ref", "branch", "tag"]) {
        kept.delete(name);
    }
    const pinned = `${base}${kept.size > 0 ? `?${kept}` : ""}#${commit}${subfolderOf(base, fragment)}`;
    return isPinned(address) ? address : pinned;
}

/** The subfolder in a fragment, after a colon. BuildKit decodes the fragment of a URL first, and not that of `USER@HOST:PATH`. */
function subfolderOf(base: string, fragment: string): string {
    const isUrl = /^(\w+:\/\/|github\.com\/)/.test(base);
    const [, subfolder] = (isUrl ? /(?::|%3a)(.*)$/is : /:(.*)$/s).exec(fragment) ?? [];
    return subfolder === undefined ? "" : `:${subfolder}`;
}

/** Whether an address names its commit by itself. */
function isPinned(address: string): boolean {
    const git = parseGitContext(address);
    return git === undefined || isCommit(git.ref) || git.checksum !== "";
}

function partsOf(address: string): { base: string; query: string; fragment: string } {
    const [, base = "", query = "", fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(address) ?? [];
    return { base, query, fragment };
}
