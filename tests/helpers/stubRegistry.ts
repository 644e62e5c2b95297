import * as pulumi from "@pulumi/pulumi";
import type { Registry } from "../../components/registry/registry";

/** A registry of the tests alone, which takes everything and makes nothing. */
export class StubRegistry extends pulumi.ComponentResource implements Registry {
    readonly kind = "stub";
    readonly url: pulumi.Output<string>;
    readonly makesRepositories = true;
    readonly defaultCache: Registry["defaultCache"];
    readonly login: Registry["login"];
    readonly readableRepositoriesOf: Registry["readableRepositoriesOf"];

    /** @param url `host/name` */
    constructor(url: string, more: Partial<Pick<Registry, "defaultCache" | "login" | "readableRepositoriesOf">> = {}) {
        const { defaultCache, login, readableRepositoriesOf } = more;
        super("test:index:StubRegistry", url);
        this.url = pulumi.output(url);
        this.defaultCache = defaultCache ?? "registry";
        this.login = login;
        this.readableRepositoriesOf = readableRepositoriesOf;
    }

    repositoryOf(image: string): pulumi.Output<string> {
        return pulumi.interpolate`${this.url}/${image}`;
    }
}
