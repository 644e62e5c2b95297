# shellcheck shell=sh
# Packages of any release of Debian and Ubuntu, whatever release this machine has: by an apt that has its configuration, lists
# and packages in a folder of its own. The machine's apt is only asked where archives are; nothing is installed.

# open_archive FOLDER DISTRIBUTION ARCHITECTURE SUITE...: fetches the lists. ARCHITECTURE by the distribution's name. False
# where they cannot be had; FOLDER/log says why.
open_archive() {
    archive=$1 distribution=$2 architecture=$3
    shift 3
    mkdir -p "$archive/apt/sources.list.d" "$archive/apt/apt.conf.d" "$archive/apt/preferences.d" \
        "$archive/state/lists/partial" "$archive/packages/archives/partial"
    : >"$archive/state/status"
    (umask 077 && configure_apt >"$archive/apt.conf") # a proxy may have a password
    if ! keys=$(archive_keys); then return 1; fi
    for place in $(archive_places); do
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\nSigned-By: %s\n' \
            "$place" "$*" "$architecture" "$keys" >"$archive/apt/sources.list.d/archive.sources"
        if within_archive "$archive" apt-get update --error-on=any >>"$archive/log" 2>&1; then return 0; fi
    done
    return 1
}

# within_archive FOLDER COMMAND...: one of apt's commands.
within_archive() {
    within=$1
    shift
    APT_CONFIG=$within/apt.conf "$@"
}

# Of this machine's configuration it takes proxies, certificates and logins.
configure_apt() {
    apt-config dump | grep -E '^Acquire::(https?::|Retries |ForceIPv|Check-)' || true
    cat <<END
Dir::Etc "$archive/apt";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::State "$archive/state";
Dir::State::status "$archive/state/status";
Dir::Cache "$archive/packages";
APT::Architecture "$architecture";
APT::Architectures "$architecture";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
END
}

# The file with the keys that sign the distribution's archive: this machine's, or those of a package.
archive_keys() {
    file=usr/share/keyrings/$distribution-archive-keyring.gpg
    if [ -r "/$file" ]; then
        echo "/$file"
    elif (cd "$archive" && download_keys && dpkg-deb -x ./*-keyring_*.deb . && [ -r "$file" ]) >>"$archive/log" 2>&1; then
        echo "$archive/$file"
    else
        return 1
    fi
}

# Debian has Ubuntu's keys, but not in release 12.
download_keys() {
    case $distribution in
        debian) apt-get -o APT::Sandbox::User= download debian-archive-keyring ;;
        ubuntu)
            apt-get -o APT::Sandbox::User= download ubuntu-keyring ||
                (open_archive "$archive/debian" debian "$(dpkg --print-architecture)" trixie &&
                    within_archive "$archive" apt-get download ubuntu-keyring)
            ;;
    esac
}

# Where the archive may be: beside the one that this machine uses (mirrors have both distributions side by side), or where
# the distribution has it.
archive_places() {
    case $distribution-$architecture in
        debian-*) name=debian public=http://deb.debian.org/debian ;;
        ubuntu-amd64 | ubuntu-i386) name=ubuntu public=http://archive.ubuntu.com/ubuntu ;;
        ubuntu-*) name=ubuntu-ports public=http://ports.ubuntu.com/ubuntu-ports ;;
    esac
    {
        # shellcheck disable=SC2016 # apt's own variables
        apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
            sed -nE "s,/(debian|ubuntu|ubuntu-ports)/*\$,/$name,p"
        echo "$public"
    } | awk '!seen[$0]++'
}

# download_packages FOLDER PACKAGE[=VERSION]...: into the current folder. False if any of them cannot be had.
download_packages() {
    from=$1
    shift
    within_archive "$from" apt-get download "$@" >>"$from/log" 2>&1
}

# with_dependencies FOLDER PACKAGE...: their names, and those of all that they need.
with_dependencies() {
    from=$1
    shift
    within_archive "$from" apt-get --print-uris -y install "$@" 2>>"$from/log" | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p"
}
