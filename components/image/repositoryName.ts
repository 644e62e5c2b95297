/** A component of a repository's name (https://github.com/opencontainers/distribution-spec/blob/main/spec.md). */
const component = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";

/** One component of a repository's name. */
export const repositoryName = new RegExp(`^${component}$`);
/** Components with slashes between them. */
export const repositoryPath = new RegExp(`^${component}(/${component})*$`);

/** What is wrong with any other name. */
export const noRepositoryName = "cannot be a repository's name";
/** What to write instead. */
export const repositoryNameRule = 'use lower case letters, digits, ".", "_", "-"';
