import type { Work } from "../../provider/resource";

/** What a resource has at hand where nobody looks. */
export function quietWork(urn: string, signal = new AbortController().signal): Work {
    return { urn, signal, status: () => undefined, log: () => undefined, hide: (text) => text };
}
