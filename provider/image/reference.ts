/** The host of an image's reference, without the port: where it is pushed. */
export function hostOf(reference: string): string {
    return (reference.split("/")[0] ?? "").replace(/:\d+$/, "");
}

/** `host/name` of an image's reference, without tag and digest. */
export function repositoryOf(reference: string): string {
    return (reference.split("@")[0] ?? "").replace(/:[^/:]*$/, "");
}
