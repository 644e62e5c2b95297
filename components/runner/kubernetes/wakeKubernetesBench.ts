import * as path from "node:path";
import { kill } from "../../../tests/e2e/processes";
import { Workbench } from "../../../tests/helpers/workbench";

const scripts = ["../../builder/connect/inTime.sh", "wakeKubernetes.sh", "wakeKubernetesPending.sh"].map((script) =>
    path.join(__dirname, script),
);

/**
 * A stand-in for kubectl. `states/SET` holds one line for each look at a StatefulSet and its pod, the last of which is
 * repeated: what the script's template prints, with `;` for a line's end, or `error:` and a message. `scales` and `knocks`
 * hold one line for each call: `ok`, or a message; `hangs` is a call without an end, and with a child, and `hangs:` and a
 * message one that says this first. `events` is what there is of them, `contexts` those of the caller's kubeconfig.
 */
export const fakeKubectl = `
next() {
    line=ok
    if [ -e "$1" ]; then line=$(head -n 1 "$1"); fi
    if [ -e "$1" ] && [ "$(wc -l <"$1")" -gt 1 ]; then sed -i 1d "$1"; fi
}
fail_unless_ok() {
    if [ "\${line%%:*}" = hangs ]; then
        echo "\${line#hangs}" | sed 's/^://' >&2
        # With a program that it logs in with.
        /bin/sleep 60 &
        echo $! >>"$bench/hanging"
        exec /bin/sleep 60
    fi
    if [ "$line" != ok ]; then
        printf '%s\\n' "$line" | tr ';' '\\n' >&2
        exit 1
    fi
}
words=" $* "
case $words in
*' get statefulset/'*)
    set=\${words#* get statefulset/}
    set=\${set%% *}
    [ -e "$bench/states/$set" ] || exit 0
    next "$bench/states/$set"
    case $line in error:*) line=\${line#error:} fail_unless_ok ;; esac
    printf '%s\\n' "$line" | tr ';' '\\n'
    ;;
*' scale statefulset/'*) next "$bench/scales"; fail_unless_ok ;;
*' exec '*) next "$bench/knocks"; fail_unless_ok ;;
*' config get-contexts '*) cat "$bench/contexts" 2>/dev/null ;;
*'type=Warning,involvedObject.kind=PersistentVolumeClaim,involvedObject.name=cache'*) cat "$bench/claimEvents" 2>/dev/null ;;
*' get events '*'type=Warning'*) cat "$bench/events" 2>/dev/null ;;
esac
`;

/** A line of `states`. */
export function state(values: { [name: string]: string | number | undefined }): string {
    return Object.entries(values)
        .map(([name, value]) => `${name}=${value ?? "<no value>"}`)
        .join(";");
}

const set = { replicas: 1, generation: 4, observed: 4, revision: "r1" };
const pod = { uid: "u1", ends: undefined, pod_revision: "r1", PodScheduled: "True", Ready: "True", restarts: 0 };

export const awake = state({ ...set, ...pod });
export const asleep = state({ ...set, replicas: 0 });
export const many = state({ ...set, ...pod, replicas: 6 });
/** Scaled up, and the cluster has not seen it: its pod is that of the start before. */
export const unseen = state({ ...set, generation: 5, ...pod });
export const ending = state({ ...set, ...pod, ends: "2026-11-26T18:00:00Z" });
/** On a node that is gone. */
export const lost = state({ ...set, ...pod, Ready: "False", ends: "2026-11-26T18:00:00Z" });
export const outdated = state({ ...set, ...pod, pod_revision: "r0" });
export const withoutPod = state(set);
export const starting = state({ ...set, ...pod, Ready: "False", waits: "ContainerCreating" });
/** A volume is waited for, and nobody has said anything of it. */
export const unbound = state({ ...set, ...pod, PodScheduled: undefined, Ready: undefined, claim: "cache" });
export const unscheduled = (message: string) =>
    state({ ...set, ...pod, PodScheduled: "False", Ready: "False", unscheduled: `"${message}"`, restarts: undefined });
export const waiting = (reason: string, message: string, ended?: string) =>
    state({
        ...set,
        ...pod,
        Ready: "False",
        waits: reason,
        waits_for: `"${message}"`,
        ...(ended ? { ended: `"${ended}"` } : {}),
    });

/** A wake that ends well. */
export const served = { status: 0, stdout: "kube-pod://arm64-2-0?namespace=demo-prod\n" };
/** A knock at a pod that does not run any more. */
export const notRunning = "error: cannot exec into a container in a completed pod";

export interface KubernetesScene {
    states: string[];
    scales?: string[];
    knocks?: string[];
    events?: string[];
    /** Of the claim of its cache. */
    claimEvents?: string[];
    context?: string;
    /** Those of the caller's kubeconfig. @default none */
    contexts?: string[];
    /** Further environment. @default none */
    env?: { [name: string]: string };
    /** Seconds. @default 30 */
    timeout?: number;
    /** Seconds that trouble may last. @default the script's */
    patience?: number;
}

/** wakeKubernetes.sh with stand-ins for kubectl and sleep. */
export class WakeKubernetesBench extends Workbench {
    constructor(private readonly shell: string[]) {
        super();
        this.stub("kubectl", fakeKubectl);
        // By whole seconds a time limit is counted: `second` is how long such a one is.
        this.stub("sleep", '[ "$1" != 1 ] || exec /bin/sleep "$(cat "$bench/second")"; /bin/sleep 0.02');
        this.write("second", "1");
    }

    wake(scene: KubernetesScene) {
        this.write("states/arm64-2", `${scene.states.join("\n")}\n`);
        for (const file of ["scales", "knocks", "events", "claimEvents", "contexts"] as const) {
            if (scene[file]) {
                this.write(file, `${scene[file].join("\n")}\n`);
            }
        }
        const lines = [
            "kubernetes_namespace=demo-prod",
            `kubernetes_context='${scene.context ?? ""}'`,
            "stateful_set_arm64_2=arm64-2",
            `notes='${this.path("notes")}'`,
            ...(scene.patience === undefined ? [] : [`k8s_patience=${scene.patience}`]),
            `work='${this.path("work")}'`,
            'mkdir -p "$work"',
            ...scripts.map((script) => `. '${script}'`),
            "wake_kubernetes arm64_2",
            "",
        ];
        const env = { NATIVE_BUILDX_WAKE_TIMEOUT: String(scene.timeout ?? 30), ...scene.env };
        return this.run([...this.shell, this.write("main.sh", lines.join("\n"))], { env });
    }

    /** From now on every look at the clock takes so many seconds. */
    ticking(seconds: number): void {
        this.stub(
            "date",
            `case $* in +%s) tick=$(cat "$bench/tick" 2>/dev/null || echo 100); echo $((tick + ${seconds})) >"$bench/tick"; echo $tick ;; esac`,
        );
    }

    /** The calls of kubectl, by what each does. */
    get done(): string[] {
        return this.calls.flatMap((call) => {
            const [, verb] = /^kubectl .*?--namespace \S+ (\w+( events)?)/.exec(call) ?? [];
            return verb ?? [];
        });
    }
}

/** For a `describe` in one shell: a new bench before each test. */
export function wakeKubernetesBenchForEach(shell: string[]): () => WakeKubernetesBench {
    let bench: WakeKubernetesBench;
    beforeEach(() => {
        bench = new WakeKubernetesBench(shell);
    });
    afterEach(() => {
        for (const id of bench.read("hanging").split("\n").filter(Boolean)) {
            kill(Number(id));
        }
        bench.dispose();
    });
    return () => bench;
}
