# shellcheck shell=sh
# Part of the connect script, before the wake scripts: curl says whether anybody is at an address, sooner than buildx does.

# knock HOST:PORT SECONDS: waits so long for a connection. Status 0: somebody is there. 1: refused, or no such host. 2: no
# answer. 3: somebody took the connection, and was not ready to speak. Needs curl.
knock() {
    connected=$(curl -sk --noproxy '*' --connect-timeout "$2" --max-time $(($2 + 2)) -o /dev/null -w '%{time_connect}' \
        "https://$1/" </dev/null 2>/dev/null)
    # curl's 5, 6: no such host; 7: refused; 28: too late. With any other there was somebody.
    case $?:$connected in
        [567]:*) return 1 ;;
        28:*[1-9]*) return 3 ;;
        28:*) return 2 ;;
    esac
}
