# shellcheck shell=sh
# shellcheck disable=SC2154 # the settings come from the file settings.sh
# A pod whose container ends again and again would keep its node for ever where no client waits for it any more, who would
# give it up (wakeKubernetes.sh). File $unserved outlives these ends, and says since when none of the starts has served.

# note_served: BuildKit has answered for a while.
note_served() { rm -f "$unserved"; }

# give_up_unserved: at each start. Scales the runner's StatefulSet to 0 after $unserved_seconds (0: never).
give_up_unserved() {
    if [ "$unserved_seconds" -eq 0 ]; then return; fi
    now=$(date +%s)
    if [ ! -e "$unserved" ]; then echo "$now" >"$unserved"; fi
    began=$(cat "$unserved")
    lasted=$((now - ${began:-$now}))
    if [ "$lasted" -lt "$unserved_seconds" ]; then return; fi
    if reason=$(scale_by '{"spec":{"replicas":0}}'); then
        say "has not served for $lasted s: scaled to 0, so that it keeps no node"
        # Whoever wakes it before the cluster has ended it finds it with all its time.
        rm -f "$unserved"
    else
        say "cannot scale StatefulSet $stateful_set to 0: $reason"
    fi
}
