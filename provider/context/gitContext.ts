import { withoutLogins } from "../withoutLogins";

/** A context that BuildKit fetches from a git repository. The image's `dockerfile` is then a path in the repository. */
export interface GitContext {
    /** The address that git is asked with. */
    remote: string;
    /** Branch, tag, other reference or commit; empty for the default branch. */
    ref: string;
    /** A commit, or its beginning, that the reference must have. */
    checksum: string;
    /** Whether that commit is fetched whatever the reference says. */
    fetchByCommit: boolean;
}

/**
 * A context as a git repository, by BuildKit's rules; undefined when it is none by them.
 * Throws for an address that BuildKit takes for a repository and then refuses.
 */
export function parseGitContext(context: string): GitContext | undefined {
    const parts = split(context);
    if (!parts) {
        return undefined;
    }
    const [ref = ""] = parts.fragment.split(":");
    const git = { remote: parts.remote, ref, checksum: "", fetchByCommit: false };
    readQuery(git, new URLSearchParams(parts.query), context);
    return git;
}

/** Whether BuildKit takes a context for a git repository, be it to refuse it then. */
export function isGitContext(context: string): boolean {
    return split(context) !== undefined;
}

/** Whether a reference is a commit, in full. */
export function isCommit(ref: string): boolean {
    return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}

interface Parts {
    remote: string;
    query: string;
    fragment: string;
}

function split(context: string): Parts | undefined {
    return /^\.\.?\//.test(context) ? undefined : (splitUrl(context) ?? splitScpStyle(context));
}

/** `https://HOST/PATH.git`, `git://...`, `ssh://...` and, for GitHub only, without a scheme. */
function splitUrl(context: string): Parts | undefined {
    const full = context.startsWith("github.com/") ? `https://${context}` : context;
    const match = /^([a-zA-Z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(full);
    if (!match) {
        return undefined;
    }
    const [, scheme = "", host = "", path = "", query = "", fragment = ""] = match;
    switch (scheme.toLowerCase()) {
        case "git":
        case "ssh":
            break;
        case "http":
        case "https":
            // Any other address is a file or an archive.
            if (full === context && !decoded(path).endsWith(".git")) {
                return undefined;
            }
            break;
        default:
            return undefined;
    }
    return { remote: `${scheme.toLowerCase()}://${host}${path}`, query, fragment: decoded(fragment) };
}

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

/** `USER@HOST:PATH`, over ssh. */
function splitScpStyle(context: string): Parts | undefined {
    const match = /^([a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:.*?)(?:\?(.*?))?(?:#(.*))?$/.exec(context);
    return match ? { remote: match[1] as string, query: match[2] ?? "", fragment: match[3] ?? "" } : undefined;
}

function readQuery(git: GitContext, query: URLSearchParams, context: string): void {
    const refuse = (reason: string) => new Error(`git repository ${withoutLogins(context)}: ${reason}`);
    const setRef = (ref: string) => {
        if (git.ref !== "" && git.ref !== ref) {
            throw refuse(`it names both ${git.ref} and ${ref}`);
        }
        git.ref = ref;
    };
    for (const name of new Set(query.keys())) {
        const [value = "", ...more] = query.getAll(name);
        const mistake = more.length > 0 ? "is given more than once" : valueMistake(name, value);
        if (mistake) {
            throw refuse(`?${name}= ${mistake}`);
        }
        switch (name) {
            case "ref":
                setRef(value);
                break;
            case "tag":
            case "branch": {
                const prefix = name === "tag" ? "refs/tags/" : "refs/heads/";
                setRef(value.startsWith(prefix) ? value : prefix + value);
                break;
            }
            case "checksum":
            case "commit":
                git.checksum = value;
                break;
            case "fetch-by-commit":
                git.fetchByCommit = !/^(0|f)/i.test(value);
                break;
            case "subdir":
            case "keep-git-dir":
            case "submodules":
            case "mtime":
                break;
            default:
                throw refuse(`BuildKit knows no ?${name}=; leave it out`);
        }
    }
}

function valueMistake(name: string, value: string): string | undefined {
    if (["keep-git-dir", "submodules", "fetch-by-commit"].includes(name)) {
        const isSwitch = /^(|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value);
        return isSwitch ? undefined : "is neither true nor false";
    }
    if (value === "") {
        return "has no value";
    }
    return name === "mtime" && !["checkout", "commit"].includes(value)
        ? 'is neither "checkout" nor "commit"'
        : undefined;
}
