/** A provider that does nothing; served by the SDK, whose handlers of errors are what it has to get over. */
import * as provider from "@pulumi/pulumi/provider";
import { endWithEngine } from "./lifetime";

const [engineAddress = "", stream] = process.argv.slice(2);
endWithEngine(engineAddress);
// Written by its own name, so that only one of the two pipes is tried.
if (stream === "stdout" || stream === "stderr") {
    setInterval(() => process[stream].write("working\n"), 20);
}
void provider.main({ version: "0.0.0" }, [engineAddress]);
