import type { RunnersModule } from "../../components/runner/kind";
import type { ValuesOf } from "../../components/settings/values";
import { DaemonRunners } from "./daemonRunners";
import type { daemonSettings } from "./settings";

export const kind: RunnersModule<ValuesOf<typeof daemonSettings>> = {
    mistakes: ({ daemonPort }) =>
        daemonPort % 10 === 9 ? [`daemonPort: ${daemonPort} ends in 9, which a test wants refused; use another`] : [],
    create: (name, values, { stackName, registry: { trust } }) =>
        new DaemonRunners(name, { ...values, stackFolder: stackName, trust }),
};
