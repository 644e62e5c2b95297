# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154 # wakeKubernetes.sh has the variables, and reads $trouble
# Part of wakeKubernetes.sh: why a pod does not start, in the cluster's words.

# k8s_events OBJECT [TYPE]: the newest warning about it, where this login may read events, or what else is of that TYPE.
k8s_events() {
    k8s_kubectl get events --field-selector "type=${2:-Warning},involvedObject.$1" --sort-by=.lastTimestamp \
        -o 'go-template={{range .items}}{{.reason}}: {{printf "%q" .message}}{{"\n"}}{{end}}' 2>/dev/null |
        tail -n 1 | k8s_unquoted
}

# The newest event of the claim of its cache, a warning first: why a volume is not made is told of that alone.
k8s_claim_events() {
    claim=$(k8s_value claim)
    if [ -z "$claim" ]; then return; fi
    claim="kind=PersistentVolumeClaim,involvedObject.name=$claim"
    k8s_events "$claim" | grep . || k8s_events "$claim" Normal
}

# Right after it was scaled, a set has none.
k8s_no_pod() {
    if [ -z "$scaled" ]; then scaled=$(date +%s); fi
    if [ $(($(date +%s) - scaled)) -lt 3 ]; then return; fi
    why=$(k8s_events "name=$k8s_set")
    k8s_progress "has no pod yet${why:+: $why}"
}

k8s_why_pending() {
    waits=$(k8s_value waits) why=$(k8s_value waits_for)
    if [ "$(k8s_value PodScheduled)" = False ]; then
        why=$(k8s_value unscheduled)
        case $why in
            *persistentvolumeclaim*'not found'*)
                trouble=claim
                k8s_progress "its cache's claim is gone: $why. If somebody deleted it: pulumi up --refresh makes a new one"
                ;;
            *'unbound immediate PersistentVolumeClaims'*)
                told=$(k8s_claim_events)
                k8s_progress "no volume for its cache yet: ${told:-$why}"
                ;;
            *) k8s_progress "no node for its pod yet: $why" ;;
        esac
        return
    fi
    case $waits in
        '' | ContainerCreating | PodInitializing)
            # As a rule there is nothing to tell.
            if [ $(($(date +%s) - began)) -ge 3 ]; then
                why=$(k8s_events "uid=$uid")
                why=${why:-$(k8s_claim_events)}
            fi
            k8s_progress "starting${why:+: $why}"
            ;;
        *)
            # Of a container that ends at once its last words say more.
            if [ "$waits" = CrashLoopBackOff ]; then why=$(k8s_value ended); fi
            trouble=$waits
            k8s_progress "$waits: $why"
            ;;
    esac
}
