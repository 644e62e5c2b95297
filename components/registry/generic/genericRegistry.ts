import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { knownText } from "../../image/knownTexts";
import { argumentMistakes, givenText } from "../../settings/arguments";
import { refuseArguments } from "../../settings/mistakes";
import { dockerHub, isDockerHub } from "../dockerHub";
import type { Registry } from "../registry";
import type { RegistryLogin } from "../registryLogin";

export interface GenericRegistryArgs {
    /**
     * `HOST/PATH` that images are pushed under, image NAME to `HOST/PATH/NAME`: `docker.io/ORGANIZATION`,
     * `ghcr.io/OWNER`, `registry.gitlab.com/GROUP/PROJECT`, `harbor.example/PROJECT`, and the like.
     */
    registryUrl: string;
    /** The user of `registryToken`. @default the docker login of whoever runs the program */
    registryUser?: string;
    /** A token or a password that may push there. It is in no state. */
    registryToken?: pulumi.Input<string>;
}

/** The types of its arguments. */
const types: { [name in keyof Required<GenericRegistryArgs>]: v.GenericSchema } = {
    registryUrl: v.optional(givenText),
    registryUser: v.optional(givenText),
    registryToken: v.unknown(),
};

/** Any registry at a host that machines trust, and that makes a repository when it is pushed to. */
export class GenericRegistry extends pulumi.ComponentResource implements Registry {
    readonly kind = "generic";
    readonly url: pulumi.Output<string>;
    readonly makesRepositories = true;
    /** A runner without a cache of its own, because it is new, finds it there. */
    readonly defaultCache = "registry";
    readonly loginCommand: pulumi.Output<string>;
    readonly login?: (after: pulumi.Output<unknown>[]) => pulumi.Output<RegistryLogin>;

    /** @throws Error with every wrong argument: the setting, what is wrong, the remedy. */
    constructor(name: string, args: GenericRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:GenericRegistry", name, {}, opts);
        refuseArguments(argumentMistakes(types, args));
        refuseArguments(genericRegistryProblems(args));
        const { registryUrl, registryToken } = args;
        const [address = ""] = registryUrl.split("/");
        this.url = pulumi.output(registryUrl);
        this.loginCommand = pulumi.output(`docker login ${isDockerHub(address) ? "" : address}`.trim());
        if (registryToken) {
            const login = pulumi.secret(registryToken).apply((token) => loginOf(name, args, token));
            // How long the user's token is valid is not known.
            this.login = () => login;
        }
        this.registerOutputs({ url: this.url });
    }

    repositoryOf(image: string): pulumi.Output<string> {
        return pulumi.interpolate`${this.url}/${image}`;
    }
}

/**
 * The login of a registry with a user.
 *
 * @param name the registry's, for messages
 * @param token its value, when it is known
 * @throws RunError for one that is nothing, as an output of another stack by a wrong name is
 */
export function loginOf(
    name: string,
    { registryUrl, registryUser: username = "" }: GenericRegistryArgs,
    token: unknown,
): RegistryLogin {
    const [address = ""] = registryUrl.split("/");
    const remedy = `Look at registryUser and registryToken: may ${username} push to ${registryUrl} with this token?`;
    return { address, username, password: knownText(`GenericRegistry ${name}: registryToken`, token), remedy };
}

const examples = "docker.io/ORGANIZATION, ghcr.io/OWNER, registry.gitlab.com/GROUP/PROJECT or harbor.example/PROJECT";

/** Everything that is wrong with the arguments, each a line: the setting, what is wrong, the remedy. */
export function genericRegistryProblems(args: GenericRegistryArgs): string[] {
    const problem = urlProblem(args.registryUrl);
    return [...(problem ? [`registryUrl: ${problem}`] : []), ...loginProblems(args)];
}

function urlProblem(url = ""): string | undefined {
    if (url === "") {
        return `is not set; write where images are pushed, as in ${examples}`;
    }
    // Not shown: it may be a password.
    if (url.includes("@")) {
        return `has an @; write it as in ${examples}, and a login in registryUser and registryToken`;
    }
    if (/^[a-z]+:\/\//i.test(url)) {
        return `"${url}" begins with a scheme; write ${url.replace(/^[a-z]+:\/+/i, "")}`;
    }
    const [host = "", ...path] = url.split("/");
    if (!/[.:]/.test(host) && host !== "localhost") {
        return `"${url}" names no host; write ${dockerHub}/${url} for Docker Hub, or HOST/${url}`;
    }
    if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?$/.test(host)) {
        return `"${host}" is not a host; write it as in ${examples}`;
    }
    if (isDockerHub(host) && (host !== dockerHub || path.length !== 1)) {
        return `"${url}" is not how images at Docker Hub are named; write ${dockerHub}/ORGANIZATION, without more slashes`;
    }
    if (path.length === 0) {
        return `"${url}" names a host alone; write what images are pushed under too, as in ${url}/TEAM`;
    }
    if (path.some((part) => /[A-Z]/.test(part))) {
        return `"${url}" has capital letters, which names of images have not; write ${host}/${path.join("/").toLowerCase()}`;
    }
    // The rule of https://pkg.go.dev/github.com/distribution/reference
    if (!path.every((part) => /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/.test(part))) {
        return `"${url}" cannot begin an image's name: write lower case letters and digits, with . _ - between them, and no tag`;
    }
    return undefined;
}

function loginProblems({ registryUser, registryToken }: GenericRegistryArgs): string[] {
    if (registryUser && !registryToken) {
        return [
            "registryToken: is not set, and registryUser is; set it by: pulumi config set --secret registryToken, " +
                "or remove registryUser to use this machine's docker login",
        ];
    }
    if (registryToken && !registryUser) {
        return [
            "registryUser: is not set, and registryToken is; set the name that the token belongs to: " +
                "pulumi config set registryUser NAME",
        ];
    }
    return [];
}
