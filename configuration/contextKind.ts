/** What a build context is: only folders and layouts are on this machine. */
export type ContextKind = "folder" | "git" | "archive" | "image" | "layout";

/** `github.com/ORGANIZATION/REPOSITORY`, and `USER@HOST:PATH` as scp has it. */
const gitWithoutScheme = /^(github\.com\/|[A-Za-z0-9_][A-Za-z0-9_.+-]*@[A-Za-z0-9.-]+:)/;

/** The kind of a context as buildx would take it. */
export function contextKind(context: string): ContextKind {
    const scheme = /^([a-z][a-z0-9+-]*):\/\//i.exec(context)?.[1]?.toLowerCase();
    switch (scheme) {
        case "docker-image":
            return "image";
        case "oci-layout":
            return "layout";
        case "http":
        case "https":
            // Of a web address only one that ends in .git, before its branch or query, is a repository.
            return /\.git([#?].*)?$/.test(context) ? "git" : "archive";
        case undefined:
            return gitWithoutScheme.test(context) ? "git" : "folder";
        default:
            return "git";
    }
}

/** The folder of a context on this machine; undefined for what is elsewhere. */
export function localFolderOf(context: string): string | undefined {
    switch (contextKind(context)) {
        case "folder":
            return context;
        case "layout":
            // oci-layout://FOLDER:TAG@DIGEST
            return context
                .slice("oci-layout://".length)
                .replace(/@.*$/, "")
                .replace(/:[^:/]*$/, "");
        default:
            return undefined;
    }
}
