import type { PartKind } from "./receipt";

/** What a step is, by its name; undefined for BuildKit's own work. */
export function kindOf(name: string): PartKind | undefined {
    if (isFetch(name) || /^\[internal\] load (build|\.dockerignore)|^\[context .*\] load from client/.test(name)) {
        return "context";
    }
    if (/^\[[^\]]*\d+\/\d+\] /.test(name)) {
        return "step";
    }
    if (/^\[context [^\]]*\] (?!load )/.test(name)) {
        return "pull";
    }
    if (/^exporting to /.test(name)) {
        return "export";
    }
    return /^(exporting|importing) cache/.test(name) ? "cache" : undefined;
}

/** Whether the runner fetches a context in such a step: a git repository, or an archive. */
export function isFetch(name: string): boolean {
    return /^\[internal\] load (git source|remote build context)/.test(name);
}
