import * as path from "node:path";

/** An account whose EC2 the runners are in. */
export interface Account {
    /** What leads there. */
    environment: { [name: string]: string };
    /** Settings of a stack that is there. */
    settings: { [name: string]: unknown };
}

/** Variables of everything that a sandbox runs: nothing in them leads to what is the user's. */
export function sandboxEnvironment(folder: string, data: string, account?: Account): NodeJS.ProcessEnv {
    const { PATH, LANG, TERM, SSL_CERT_FILE } = process.env;
    const proxies = Object.entries(process.env).filter(([name]) => /_proxy$/i.test(name));
    return {
        ...Object.fromEntries(proxies),
        PATH,
        LANG,
        TERM,
        SSL_CERT_FILE,
        HOME: path.join(folder, "home"),
        // Pulumi takes the home of the password file, not HOME.
        PULUMI_HOME: path.join(folder, "home/.pulumi"),
        NATIVE_BUILDX_HOME: data,
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        SSL_CERT_DIR: `/etc/ssl/certs:${path.join(data, "trust")}`,
        ...account?.environment,
        PULUMI_BACKEND_URL: `file://${path.join(folder, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "",
    };
}
