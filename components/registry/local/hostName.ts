/** Why the local registry cannot go by a name, as one line: setting, reason, remedy. Clients speak to loopback addresses without TLS. */
export function hostNameMistakes(host: string): string[] {
    const isName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host) && !/^[0-9.]+$/.test(host);
    return isName && host !== "localhost"
        ? []
        : [`registryHost: "${host}" must be a host name other than localhost, and no address`];
}
