# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154,SC2030,SC2031 # variables by computed names, or for the other part; wake_kubernetes is a subshell, and nothing leaves it
# Wakes runners in a Kubernetes cluster, by scaling their StatefulSets to 1: see ConnectNode in components/runner/runner.ts.
# Needs kubectl, a login to the cluster that Role `clients` of the namespace is bound to, inTime.sh and wakeKubernetesPending.sh.
#
# Variables: work; kubernetes_namespace; kubernetes_context, empty for the current context of the caller's kubeconfig; and
#     stateful_set   of each runner: its name. Its only pod is NAME-0
#     k8s_patience   for tests: seconds in which a trouble may pass (90 where the cluster is silent, 60 else)

# wake_kubernetes RUNNER: brings that runner to serving; prints its endpoint.
wake_kubernetes() (
    k8s_runner=$1
    eval "k8s_set=\$stateful_set_$1"
    k8s_pod=$k8s_set-0
    if ! command -v kubectl >/dev/null; then
        k8s_say "kubectl is needed to wake it and was not found. Install it: https://kubernetes.io/docs/tasks/tools/"
        return 1
    fi
    context=$(k8s_context)
    k8s_words="${context:+ --context $context} --namespace $kubernetes_namespace"
    began=$(date +%s)
    limit=${NATIVE_BUILDX_WAKE_TIMEOUT:-600}
    said='' all_said='' scaled='' since='' since_of=none ready=yes
    while :; do
        # Looked at after the knock: who has an answer, and sees afterwards that nobody is going to end the pod, is served.
        answers='' reason=''
        if [ -n "$ready" ] && knocked=$(k8s_knock); then answers=yes; fi
        k8s_look || return 1
        asked=$ready ready=
        if k8s_judge; then
            if [ -n "$answers" ]; then break; fi
            ready=yes
            if [ -n "$asked" ]; then k8s_unanswered; fi
        fi
        if k8s_give_up; then return 1; fi
        # What has only just become ready is asked at once.
        if [ -z "$ready" ] || [ -n "$asked" ]; then sleep 0.5; fi
    done
    # Another start is another pod, another start of its container, or the same pod woken before the cluster had ended it.
    if [ -n "${notes:-}" ]; then echo "$uid $restarts $generation" >"$notes"; fi
    printf 'kube-pod://%s?namespace=%s%s\n' "$k8s_pod" "$kubernetes_namespace" "${context:+&context=$context}"
)

# Who may come to its endpoint is said by the cluster.
keys_kubernetes() { return 1; }
done_kubernetes() { :; }

k8s_say() { printf '%s runner %s: %s\n' "$k8s_runner" "$kubernetes_namespace/$k8s_set" "$*" >&2; }

# Each message once: some come in turn, such as that an image cannot be pulled, and that it is tried again later.
k8s_progress() {
    said=$1
    if printf '%s\n' "$all_said" | grep -qxFe "$said"; then return; fi
    k8s_say "$said ..."
    all_said="$all_said
$said"
}

# The context that the stack has, and none in a pod of the cluster, where nobody has a kubeconfig: kubectl, and buildx by
# kubectl, log in with the pod's own token there.
k8s_context() {
    if [ -z "${KUBERNETES_SERVICE_HOST:-}" ] || [ -n "$(kubectl config get-contexts --output name 2>/dev/null)" ]; then
        printf '%s' "$kubernetes_context"
    fi
}

# Without --request-timeout, which does not hold for exec, and with which kubectl forgets that it is in a pod:
# https://github.com/kubernetes/kubernetes/issues/93474
k8s_kubectl() (
    # Not into pipes: a program that kubectl logs in with would hold them when kubectl has been ended.
    said=$(mktemp "$work/kubectl.XXXXXX") || exit 1
    # What the shell says of a process that was ended is not kubectl's.
    # shellcheck disable=SC2086 # names without spaces
    in_time 15 k8s_into_files kubectl$k8s_words "$@" </dev/null 2>/dev/null
    status=$?
    cat "$said"
    cat "$said.error" >&2
    if [ "$status" -eq 124 ]; then
        # A program that logs in may have said what it waits for, such as a code to be typed in a browser.
        answer=$(cat "$said" "$said.error")
        answer=$(k8s_last_line)
        echo "no answer within 15 s${answer:+; it said: $answer}" >&2
    fi
    rm "$said" "$said.error"
    exit "$status"
)

# For in_time.
k8s_into_files() { exec "$@" >"$said" 2>"$said.error"; }

# True when BuildKit answers in the pod. Prints what kubectl says.
k8s_knock() { k8s_kubectl exec "$k8s_pod" -- buildctl debug workers 2>&1; }

# After a knock in vain at a pod that runs. That buildctl has failed is as a rule because BuildKit starts: why is said at the
# end.
k8s_unanswered() {
    answer=$knocked
    if k8s_refused; then exit 1; fi
    reason=$(k8s_last_line)
    case $answer in
        *'command terminated'*) k8s_progress 'running, waiting until BuildKit answers' ;;
        # It was not there yet when it was asked.
        *'(NotFound)'*) reason= ;;
        *)
            k8s_progress "running, waiting until BuildKit answers: $reason"
            reason=
            ;;
    esac
}

# What is known of the StatefulSet and its pod, a line each; what is not there has no line, or <no value>. Of the containers it
# is BuildKit's: some clusters put others of their own into a pod.
k8s_template='{{range .items}}{{if eq .kind "StatefulSet"}}replicas={{.spec.replicas}}
generation={{.metadata.generation}}
observed={{.status.observedGeneration}}
revision={{.status.updateRevision}}
{{else}}uid={{.metadata.uid}}
ends={{.metadata.deletionTimestamp}}
pod_revision={{index .metadata.labels "controller-revision-hash"}}
{{range .status.conditions}}{{.type}}={{.status}}
{{if eq .type "PodScheduled"}}{{with .message}}unscheduled={{printf "%q" .}}
{{end}}{{end}}{{end}}{{range .spec.volumes}}{{with .persistentVolumeClaim}}claim={{.claimName}}
{{end}}{{end}}{{range .status.containerStatuses}}{{if eq .name "buildkitd"}}restarts={{.restartCount}}
{{with .state.waiting}}waits={{.reason}}
{{with .message}}waits_for={{printf "%q" .}}
{{end}}{{end}}{{with .lastState.terminated}}{{with .message}}ended={{printf "%q" .}}
{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}'

# Of a text in quotes, as %q has it, one line.
k8s_unquoted() { sed 's/^<no value>$//; s/"\(.*\)"$/\1/; s/\\n/ /g; s/\\t/ /g; s/\\"/"/g; s/\\\\/\\/g; s/  */ /g; s/ $//'; }

# k8s_value NAME: of $answer, in one line.
k8s_value() { printf '%s\n' "$answer" | sed -n "s/^$1=//p" | head -n 1 | k8s_unquoted; }

# Sets replicas, generation, observed, revision, uid, ends, pod_revision, restarts. Tries again for a minute and a half
# where the cluster does not answer. False when that has been reported.
k8s_look() {
    lost=
    until answer=$(k8s_kubectl get "statefulset/$k8s_set" "pod/$k8s_pod" --ignore-not-found -o "go-template=$k8s_template" 2>&1); do
        k8s_refused && return 1
        lost=${lost:-$(date +%s)}
        if [ $(($(date +%s) - lost)) -ge "${k8s_patience:-90}" ]; then
            k8s_say "the cluster cannot be asked: $(k8s_last_line)"
            return 1
        fi
        k8s_progress "the cluster does not answer, trying again: $(k8s_last_line)"
        sleep 2
    done
    for name in replicas generation observed revision uid ends pod_revision restarts; do
        eval "$name=\$(k8s_value $name)"
    done
    if [ -z "$replicas" ]; then
        k8s_say "StatefulSet $k8s_set does not exist in namespace $kubernetes_namespace. If somebody deleted it: pulumi up --refresh makes a new one"
        return 1
    fi
}

# Of $answer; of a command in a pod its own last line.
k8s_last_line() { printf '%s\n' "$answer" | grep -v -e '^ *$' -e '^command terminated' | tail -n 1; }

# After a failed call: true, and said, when trying again is in vain. Not that a pod does not exist: a kubelet that has just
# started knows none yet.
k8s_refused() {
    case $answer in
        *orbidden*)
            k8s_say "this login may not use the runners: $(k8s_last_line). Bind Role clients of namespace $kubernetes_namespace to it, or name its group in setting clientGroups"
            ;;
        *'localhost:8080'*)
            k8s_say "kubectl knows no cluster. Set KUBECONFIG to the file of your cluster"
            ;;
        *nauthorized* | *'logged in'* | *'provide credentials'* | *'ontext "'*'" does not exist'* | *'nvalid configuration'* | *'xec: executable'* | *'xpired'*)
            k8s_say "kubectl cannot log in to the cluster: $(k8s_last_line)"
            ;;
        *) return 1 ;;
    esac
}

# True when nothing is on its way that would end the pod, and its container runs. What else there is is said in the
# cluster's words.
k8s_judge() {
    trouble=
    if [ "$replicas" -eq 0 ]; then
        k8s_scale waking
    elif [ "$replicas" -gt 1 ]; then
        k8s_scale "somebody has scaled it to $replicas, and its pods fight for one cache: scaling it back to 1"
    elif [ "${observed:-0}" -lt "${generation:-0}" ]; then
        k8s_progress 'waiting until the cluster has seen the change'
    elif [ -z "$uid" ]; then
        k8s_no_pod
    elif [ -n "$ends" ]; then
        k8s_ending
    elif [ -n "$revision" ] && [ "$pod_revision" != "$revision" ]; then
        k8s_progress 'its pod is being replaced after a change'
    elif [ "$(k8s_value Ready)" = True ]; then
        return 0
    else
        k8s_why_pending
    fi
    return 1
}

# A pod finishes its builds first, however long its terminationGracePeriodSeconds let it: the time limit is for what follows.
# It holds for a pod that the cluster has lost sight of, with its node.
k8s_ending() {
    if [ "$(k8s_value Ready)" = True ]; then began=$(date +%s); fi
    k8s_progress 'its pod is being ended after the builds that run, the next follows'
}

# k8s_scale WHY: to 1.
k8s_scale() {
    if answer=$(k8s_kubectl scale "statefulset/$k8s_set" --replicas=1 2>&1); then
        k8s_progress "$1"
    elif k8s_refused; then
        exit 1
    else
        k8s_progress "cannot be scaled, trying again: $(k8s_last_line)"
    fi
}

# What cannot start has nothing in it that looks whether it is used, and would keep its node for ever. Who still waits for it
# scales it up once more, and gives up after a minute too.
k8s_back_to_sleep() {
    if answer=$(k8s_kubectl scale "statefulset/$k8s_set" --replicas=0 2>&1); then
        k8s_say 'scaled to 0 again, so that it keeps no node'
    else
        k8s_say "cannot be scaled to 0 again, and keeps its node: $(k8s_last_line)"
    fi
}

# True, and said, when it takes too long, or a trouble that a further try does not mend is there after a minute.
k8s_give_up() {
    now=$(date +%s)
    # Of this pod: what the one before had is over.
    if [ -n "$trouble" ] && [ "$since_of" != "$uid" ]; then since=$now since_of=$uid; fi
    if [ -n "$trouble" ] && [ $((now - since)) -ge "${k8s_patience:-60}" ]; then
        k8s_say "cannot start: $said"
        k8s_back_to_sleep
    elif [ $((now - began)) -ge "$limit" ]; then
        k8s_say "does not serve after $((now - began)) s: ${said:-no answer}${reason:+: $reason}. See: kubectl$k8s_words describe pod $k8s_pod"
    else
        return 1
    fi
}
