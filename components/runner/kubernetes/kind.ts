import type { ValuesOf } from "../../settings/values";
import type { RunnersModule } from "../kind";
import { KubernetesRunners } from "./kubernetesRunners";
import { kubernetesMistakes } from "./mistakes";
import type { kubernetesRunnerSettings } from "./settings";

export const kind: RunnersModule<ValuesOf<typeof kubernetesRunnerSettings>> = {
    mistakes: kubernetesMistakes,
    create: (name, values, { tags }) => new KubernetesRunners(name, { ...values, tags }),
};
