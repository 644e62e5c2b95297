import { optionalText, secretText, setting } from "../../settings/kinds";

/** The settings of any registry but those with a kind of their own. */
export const genericRegistrySettings = {
    registryUrl: setting(
        optionalText("HOST/PATH"),
        "",
        "Registry generic only. HOST/PATH that images are pushed under, such as docker.io/ORGANIZATION or ghcr.io/OWNER. Must be set.",
    ),
    registryUser: setting(
        optionalText("a name"),
        "",
        "Registry generic only. User that pushes, with registryToken. Empty for the docker login of this machine.",
    ),
    registryToken: setting(
        secretText("registryToken", "must be one text; set it by: pulumi config set --secret registryToken"),
        "",
        'Registry generic only. Token or password of registryUser. Set it by "pulumi config set --secret registryToken".',
    ),
};
