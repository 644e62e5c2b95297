# shellcheck shell=sh
# shellcheck disable=SC2154 # set by those who read it
# Packages of any release of Debian and Ubuntu, whatever release this machine has: by an apt that has its configuration, lists
# and packages in a folder of its own. The machine's apt is only asked where archives are; nothing is installed. Reads $table
# (twins.tsv) and, for package_of, $triplet; calls `say`.

tab=$(printf '\t')

# facts WORD NAME: what the table says of them, without these.
facts() { awk -F '\t' -v OFS='\t' -v word="$1" -v name="$2" '$1 == word && $2 == name { $1 = $2 = ""; print substr($0, 3) }' "$table"; }

# package_of PROGRAM VERSION: the package that has the twin.
package_of() {
    target=$(printf '%s' "$triplet" | tr _ -)
    case $1 in
        cc1) echo "cpp-${2%%.*}-$target" ;;
        cc1plus | g++) echo "g++-${2%%.*}-$target" ;;
        lto1 | gcc) echo "gcc-${2%%.*}-$target" ;;
        as) echo "binutils-$target" ;;
    esac
}

# open_release FOLDER RELEASE ARCHITECTURE: open_archive, by the table's row of the release.
open_release() {
    IFS=$tab read -r distribution suites <<END
$(facts release "$2")
END
    # shellcheck disable=SC2086 # words
    open_archive "$1" "$distribution" "$3" $suites
}

# kept_archive FOLDER RELEASE ARCHITECTURE: prints the folder, below this one, of its packages' lists, which are a day old at most.
kept_archive() {
    opened=$1/archive-$2-$3
    if [ -z "$(find "$opened/.open" -mtime 0 2>/dev/null)" ]; then
        rm -rf "$opened"
        mkdir -p "$opened"
        if ! open_release "$opened" "$2" "$3"; then
            say "the packages of $2 for $3 cannot be had: $(grep '^E: ' "$opened/log" | tail -n 1)"
            return 1
        fi
        : >"$opened/.open"
    fi
    echo "$opened"
}

# open_archive FOLDER DISTRIBUTION ARCHITECTURE SUITE...: fetches the lists. ARCHITECTURE by the distribution's name. False
# where they cannot be had; FOLDER/log says why.
open_archive() {
    archive=$1 distribution=$2 architecture=$3
    shift 3
    mkdir -p "$archive/apt/sources.list.d" "$archive/apt/apt.conf.d" "$archive/apt/preferences.d" \
        "$archive/state/lists/partial" "$archive/packages/archives/partial"
    : >"$archive/state/status"
    (umask 077 && configure_apt >"$archive/apt.conf") # a proxy may have a password
    places=$(archive_places)
    if [ -z "$places" ]; then
        echo "E: no apt source of this machine leads to $distribution: add one, of any release" >>"$archive/log"
        return 1
    fi
    if ! keys=$(archive_keys); then return 1; fi
    for place in $places; do
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

# Where the archive may be: where this machine's apt has it, or beside another that it has (mirrors have both distributions side
# by side). By its sources: its lists may not be there.
archive_places() {
    case $distribution-$architecture in
        debian-* | ubuntu-amd64 | ubuntu-i386) name=$distribution ;;
        *) name=ubuntu-ports ;;
    esac
    apt-get update --print-uris 2>/dev/null | sed -n "s,^'\(.*\)/dists/.*,\1,p" | while IFS= read -r place; do
        case $place in
            # As Debian's cloud images have it: a file that lists places, with a tab before what else it says of them.
            mirror+file:*) awk '!/^#/ { print $1 }' "${place#mirror+file:}" 2>/dev/null || true ;;
            *) echo "$place" ;;
        esac
    done | sed -nE "s,/(debian|ubuntu|ubuntu-ports)/*\$,/$name,p" | awk '!seen[$0]++'
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
