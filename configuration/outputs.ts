import * as pulumi from "@pulumi/pulumi";
import type { RemoteBuilder } from "../components/builder/remoteBuilder";
import type { CiAccess } from "../components/ci/ciAccess";
import type { MultiPlatformImage } from "../components/image/multiPlatformImage";
import { buildCosts, receiptsOf } from "../components/image/receipts";
import { receiptsText } from "../components/image/receiptText";
import type { Registry } from "../components/registry/registry";

const begun = new Date();

interface Stack {
    registry: Registry;
    builder: RemoteBuilder;
    images: { [name: string]: MultiPlatformImage };
    ci: CiAccess;
}

/** What the stack says for whoever uses it: people, CI, `make up`. */
export function outputsOf({ registry, builder, images, ci }: Stack): pulumi.Inputs {
    const receipts = receiptsOf(images, builder.runners);
    return {
        repositoryUrl: registry.url,
        byHand: registry.url.apply((url) => `${url}${registry.makesRepositories ? "/" : ":"}NAME`),
        ...(registry.loginCommand ? { loginCommand: registry.loginCommand } : {}),
        images: Object.fromEntries(
            Object.entries(images).map(([name, { ref, platformRefs }]) => [name, { ref, platforms: platformRefs }]),
        ),
        runners: builder.runners,
        builder: builder.builder,
        connect: builder.connect,
        receipts: receipts.apply(receiptsText),
        buildCosts: buildCosts(receipts, builder.runners, begun),
        ...ci.outputs,
    };
}
