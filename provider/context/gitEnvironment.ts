/** Variables that lead git to another repository than the one of its folder, as a hook has them; and those that print secrets. */
const bending =
    /^GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|TRACE.*|CURL_VERBOSE)$/;

/** The caller's environment for git, with the caller's configuration and ways to log in. */
export function gitEnvironment(caller: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(caller).filter(([name]) => !bending.test(name)));
}
