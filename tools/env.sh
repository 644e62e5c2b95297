# shellcheck shell=sh
# Puts the project's tools on PATH, for commands typed by hand. From the project's folder:
#
#     . ./tools/env.sh && pulumi up
#
# Tools that are already on PATH and new enough come first (tools/setup.sh decides that when it builds the others).

if [ ! -f ./tools/env.sh ]; then
    echo "tools/env.sh: read it from the project's own folder: cd native-buildx && . ./tools/env.sh" >&2
else
    native_buildx_folder=$(pwd -P)

    # Machine-wide state of the local runners and the registry; never in the checkout.
    NATIVE_BUILDX_HOME=${NATIVE_BUILDX_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/native-buildx}
    export NATIVE_BUILDX_HOME

    case ":$PATH:" in
        *":$native_buildx_folder/tools/bin:"*) ;;
        *) PATH=$native_buildx_folder/tools/bin:$PATH ;;
    esac
    export PATH

    # The local registry's certificate is signed by the stack's own CA, which Go programs find here. (What is named in
    # SSL_CERT_DIR is read besides the system's certificate file.)
    case ":${SSL_CERT_DIR:-}:" in
        *":$NATIVE_BUILDX_HOME/trust:"*) ;;
        *) SSL_CERT_DIR=${SSL_CERT_DIR:-/etc/ssl/certs}:$NATIVE_BUILDX_HOME/trust ;;
    esac
    export SSL_CERT_DIR

    # Pulumi's processes speak with each other over 127.0.0.1, and the SDK for Node would do that through the proxy too.
    # Some programs read the one name, some the other.
    no_proxy=${no_proxy:-${NO_PROXY:-}}
    NO_PROXY=${NO_PROXY:-$no_proxy}
    for native_buildx_host in 127.0.0.1 localhost registry.native-buildx.internal; do
        # "*" is everything, and only where it is alone.
        case ",$no_proxy," in
            *",$native_buildx_host,"* | ",*,") ;;
            *) no_proxy=${no_proxy:+$no_proxy,}$native_buildx_host ;;
        esac
        case ",$NO_PROXY," in
            *",$native_buildx_host,"* | ",*,") ;;
            *) NO_PROXY=${NO_PROXY:+$NO_PROXY,}$native_buildx_host ;;
        esac
    done
    export no_proxy NO_PROXY

    # Pulumi: state in local files unless a backend was chosen, by `pulumi login`, a variable of Pulumi's or Pulumi.yaml.
    # Read again after a `pulumi login`, this file takes its own word back.
    native_buildx_state=file://$NATIVE_BUILDX_HOME/state
    if [ "${PULUMI_BACKEND_URL:-$native_buildx_state}" = "$native_buildx_state" ]; then
        unset PULUMI_BACKEND_URL
        if [ -z "${PULUMI_ACCESS_TOKEN:-}" ] && ! grep -q '^backend:' ./Pulumi.yaml &&
            ! grep -qs '"current"' "${PULUMI_HOME:-$HOME/.pulumi}/credentials.json"; then
            PULUMI_BACKEND_URL=$native_buildx_state
            mkdir -p "$NATIVE_BUILDX_HOME/state"
            export PULUMI_BACKEND_URL
        fi
    fi
    # And an empty passphrase unless there is one: Pulumi would take an empty one before a file.
    if [ -z "${PULUMI_CONFIG_PASSPHRASE+set}${PULUMI_CONFIG_PASSPHRASE_FILE:-}" ]; then
        PULUMI_CONFIG_PASSPHRASE=
        export PULUMI_CONFIG_PASSPHRASE
    fi
    # Pulumi works on four resources for each core at once. Builds mostly wait for a runner, and would keep others from
    # starting: setting buildsPerRunner bounds how many run at once.
    PULUMI_PARALLEL=${PULUMI_PARALLEL:-1000}
    # Local runners need no plugin from elsewhere; without this every `up` would look for those of the AWS packages.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=${PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION:-true}
    PULUMI_SKIP_UPDATE_CHECK=${PULUMI_SKIP_UPDATE_CHECK:-true}
    export PULUMI_PARALLEL PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION PULUMI_SKIP_UPDATE_CHECK
    unset native_buildx_folder native_buildx_host native_buildx_state
fi
