import * as pulumi from "@pulumi/pulumi";

/**
 * What comes before everything else of an `up`.
 *
 * @returns when the engine knows of it; before that the program must not end: its outputs would be overtaken
 */
export async function begin(): Promise<void> {
    // The engine starts the provider at its first call: at this call, so that it starts while the settings are read.
    pulumi.runtime.invoke("native-buildx:index:ready", {}).catch(() => undefined);
    // Without a word of the outputs a failed `up` shows all of them as removed (pulumi/pulumi#15755). They are not.
    const stack = pulumi.runtime.getStackResource();
    if (stack) {
        await registerNoOutputs(stack);
    }
}

/** By itself: the SDK's function does not say when the engine has it, and of two at once the engine may take either first. */
async function registerNoOutputs(stack: pulumi.Resource): Promise<void> {
    const { RegisterResourceOutputsRequest } = require("@pulumi/pulumi/proto/resource_pb");
    const request = new RegisterResourceOutputsRequest();
    request.setUrn(await new Promise<string>((resolve) => stack.urn.apply(resolve)));
    const monitor = pulumi.runtime.getMonitor();
    await new Promise<void>((resolve) => {
        if (monitor) {
            monitor.registerResourceOutputs(request, () => resolve());
        } else {
            resolve();
        }
    });
}
