# shellcheck shell=sh
# shellcheck disable=SC2154 # the settings come from the file settings.sh

# scale_by CHANGE: changes the scale of the runner's StatefulSet, which is all that its service account may do, and prints
# the replicas that are wanted then. CHANGE is JSON; {} only asks. False, and the reason on standard output, if that fails.
# By openssl, since BuildKit's image has no program for HTTP that knows PATCH. The token is in no arguments.
scale_by() {
    host=$KUBERNETES_SERVICE_HOST
    # A name that the certificate of every API server has.
    name=kubernetes.default.svc
    case $host in
        *:*) host=[$host] ;;
        # Gardener has many API servers at one address, and finds the right one by its name alone.
        *[!0-9.]*) name=$host ;;
    esac
    answer=$(printf 'PATCH %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' \
        "/apis/apps/v1/namespaces/$namespace/statefulsets/$stateful_set/scale" "$name" "$(cat "$service_account/token")" \
        application/merge-patch+json "${#1}" "$1" |
        timeout 15 openssl s_client -quiet -connect "$host:$KUBERNETES_SERVICE_PORT" -servername "$name" \
            -CAfile "$service_account/ca.crt" -verify_return_error -verify_hostname "$name" 2>"$run_directory/said")
    answer=$(printf '%s' "$answer" | tr -d '\r')
    case $answer in
        'HTTP/1.1 200'*)
            # Of 0 replicas JSON says nothing.
            wanted=$(printf '%s' "$answer" | tr -d ' \n' | sed -n 's/.*"spec":{"replicas":\([0-9]*\)}.*/\1/p')
            echo "${wanted:-0}"
            ;;
        HTTP/*)
            printf '%s\n' "$answer" | sed -n "s/\\\\\"/'/g; s/.*\"message\":\"\([^\"]*\)\".*/\1/p" | grep . ||
                printf '%s\n' "$answer" | head -n 1
            return 1
            ;;
        *)
            echo "no answer from $host:$KUBERNETES_SERVICE_PORT: $(grep -i error "$run_directory/said" | tail -n 1)"
            return 1
            ;;
    esac
}
