import * as pulumi from "@pulumi/pulumi";

/** What comes before everything else of an `up`. */
export function begin(): void {
    // The engine starts the provider at its first call: at this call, so that it starts while the settings are read.
    pulumi.runtime.invoke("native-buildx:index:ready", {}).catch(() => undefined);
    // Without a word of the outputs a failed `up` shows all of them as removed (pulumi/pulumi#15755). They are not.
    const stack = pulumi.runtime.getStackResource();
    if (stack) {
        pulumi.runtime.registerResourceOutputs(stack, {});
    }
}
