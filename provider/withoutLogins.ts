/** From an address's scheme, or git's short forms, to its end, without the punctuation of the sentence that it is in. */
const addresses = /(?::\/\/|@[\w.-]+:|\bgithub\.com\/)\S*[^\s:,;.)\]}'"`]/gi;

/**
 * A user and a password, which may have an `@` itself, and even what ends a host: after a colon that is before no port, it
 * goes on to the last `@`. What follows an `@` may also be an image's digest. Colons of an IPv6 address are before neither.
 */
const logins =
    /:\/\/(?!\[[\da-f:.]+\](?::\d+)?(?:[/?#]|$))(?:[^/?#]*|[^/?#@]*:(?!\d*(?:[/?#]|$)).{0,1000})@(?!sha\d+:)/gi;

/** BuildKit's own in addresses of git repositories: what a message is about, and no secrets. */
const gitNames = "ref|tag|branch|commit|checksum|fetch-by-commit|subdir|keep-git-dir|submodules|mtime";

/** A value of a query, also where what comes next is escaped, as JSON and Go do it. */
const queryValues = new RegExp(`([?&](?!(?:${gitNames})=)[^=?&]*=)(?:[^&#"\\\\]|\\\\[^"])*`, "g");

/**
 * A text in which each address is without its login, and without the values of its query, which may be a signature: for all
 * that is printed or kept. To be called before a text is cut off.
 */
export function withoutLogins(text: string): string {
    return text.replace(addresses, (address) => withoutUser(address).replace(queryValues, "$1***"));
}

/** Whether an address has a login: a user with a password, or a user alone, who may be a token, though not of ssh. */
export function hasLogin(address: string): boolean {
    return withoutUser(address) !== address && !/^ssh:\/\/[^:@/?#]*@[^@/?#]*([/?#]|$)/i.test(address);
}

function withoutUser(address: string): string {
    return address.replace(logins, "://***@");
}
